"""The table of the one page model."""
