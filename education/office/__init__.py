"""The library in the admin. An article's status and review move only through acts, which call the job functions."""
