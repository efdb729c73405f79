"""The web page that shows what docpre does: ``python -m demo``."""
