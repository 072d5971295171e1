"""Backups: everything the site cannot make anew, in one sealed file, and the way back from it."""
