"""The billing office in the admin. Money is read-only here: it moves only through job functions."""
