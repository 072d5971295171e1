"""Statements, payments and the ledger that proves them."""
