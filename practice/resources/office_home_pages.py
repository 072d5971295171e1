from django.utils.translation import gettext_lazy as _

from practice.office_home import Queue, Task, register
from practice.resources.models import CallService
from practice.resources.must_reads import unconfirmed_documents

register(
    Queue(
        _("Must-reads that not all have confirmed"), "resources.change_document", "resources_document",
        unconfirmed_documents, "?state=unread", 40,
    ),
    Queue(
        _("Services with nobody on call this week"), "resources.change_callservice", "resources_callservice",
        CallService.objects.without_cover, "?cover=none", 41,
    ),
    Task(_("Add a document"), "resources.add_document", "resources_document_add", position=30),
    Task(_("See the documents on the site"), "resources.change_document", "resources_document_changelist", position=31),
    Task(_("Who is on call"), "resources.change_callshift", "resources_callshift_changelist", position=32),
    Task(_("Plan who is on call"), "resources.change_callservice", "resources_callservice_changelist", position=32),
    Task(_("Add to the ordering guide"), "resources.add_orderingadvice", "resources_orderingadvice_add", position=33),
)  # fmt: skip
