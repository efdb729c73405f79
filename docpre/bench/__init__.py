"""``docpre bench``: how fast each engine and precision is on this machine, side by side with the peers installed."""
