"""Times as people type them here."""
