"""The billing office's pages are in `billing/office/`; importing them registers them."""

from billing.office import closes, ledger, payments, plans, questions, statements, uploads

__all__ = ["closes", "ledger", "payments", "plans", "questions", "statements", "uploads"]
