"""A pretend card processor for demos: its own tables, its own hosted page, signed webhooks. No real money moves."""
