"""The card processors billing can talk to, behind one interface."""
