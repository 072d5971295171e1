from django.utils.translation import gettext_lazy as _

from practice.office_home import Task, register

register(Task(_("Add a document"), "resources.add_document", "resources_document_add", position=30))
