"""What patients owe, what they paid, and the ledger that proves both. All amounts are integer cents, US dollars.

Owed (Statement and its lines), tried (Attempt), paid (Payment) and returned (Refund, Dispute) are separate tables.
Balances come from an append-only double-entry ledger: a Journal is one event, its Legs add up to zero, and a
ChainLink seals it. `Statement.charges_cents` and `applied_cents` are kept by a trigger on the legs and never written
here; what may never be false is held by checks and by the triggers in `migrations/sql/`.
"""

from billing.models.ledger import Account, ChainLink, Journal, JournalKind, Leg
from billing.models.office import DailyClose, ImportBatch, StatementUpload, UploadState
from billing.models.payments import (
    LIVE_STATES,
    NEXT_STATES,
    SMALLEST_PAYMENT_CENTS,
    Attempt,
    AttemptKind,
    AttemptState,
    Dispute,
    DisputeState,
    GatewayEvent,
    Payment,
    Refund,
    RefundSource,
    RefundState,
)
from billing.models.plans import Instalment, InstalmentState, PaymentPlan, PlanState
from billing.models.questions import (
    EstimateRequest,
    Question,
    QuestionKind,
    QuestionMessage,
    QuestionState,
)
from billing.models.statements import LARGEST_STATEMENT_CENTS, Statement, StatementLine

__all__ = [
    "LARGEST_STATEMENT_CENTS",
    "LIVE_STATES",
    "NEXT_STATES",
    "SMALLEST_PAYMENT_CENTS",
    "Account",
    "Attempt",
    "AttemptKind",
    "AttemptState",
    "ChainLink",
    "DailyClose",
    "Dispute",
    "DisputeState",
    "EstimateRequest",
    "GatewayEvent",
    "ImportBatch",
    "Instalment",
    "InstalmentState",
    "Journal",
    "JournalKind",
    "Leg",
    "Payment",
    "PaymentPlan",
    "PlanState",
    "Question",
    "QuestionKind",
    "QuestionMessage",
    "QuestionState",
    "Refund",
    "RefundSource",
    "RefundState",
    "Statement",
    "StatementLine",
    "StatementUpload",
    "UploadState",
]
