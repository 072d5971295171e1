"""Who may sign in: users, roles, and the log of who read what about a person."""
