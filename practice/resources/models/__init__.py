"""What stands in Practice Resources: documents, who is on call, the ordering guide, contacts."""

from practice.resources.models.documents import (
    Acknowledgement,
    Collection,
    Document,
    DocumentKind,
    Version,
    Visit,
    document_path,
    private_storage,
)
from practice.resources.models.guide import AdviceRegion, Contact, OrderingAdvice
from practice.resources.models.on_call import CallService, CallShift, CallTier

__all__ = [
    "Acknowledgement", "AdviceRegion", "CallService", "CallShift", "CallTier", "Collection", "Contact", "Document",
    "DocumentKind", "OrderingAdvice", "Version", "Visit", "document_path", "private_storage",
]  # fmt: skip
