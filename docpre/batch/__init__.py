"""Many pages: a folder of clean pages and a table of what was done, on one machine or on a Ray cluster."""
