"""Openings at the practice, and applications that always get an answer."""
