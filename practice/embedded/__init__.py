"""A real PostgreSQL with nothing to set up: the database backend used when DATABASE_URL is unset."""
