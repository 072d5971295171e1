"""Practice Resources as their editors keep them: shelves, documents with versions, who is on call, the guide."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from practice.accounts.access_log import record_many, record_read
from practice.admin_filters import WorkFirstFilter
from practice.office import Act, ActsMixin, ReadOnlyMixin
from practice.private_files import serve
from practice.resources import must_reads, on_call, versions
from practice.resources.forms import LastDayForm, NewDocumentForm, RotationForm, VersionForm
from practice.resources.models import (
    CallService,
    CallShift,
    Collection,
    Contact,
    Document,
    OrderingAdvice,
    Version,
)
from practice.spreadsheets import csv_line


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin):
    list_display = ["title", "audience", "summary", "position"]
    list_filter = ["audience"]
    search_fields = ["title", "summary"]
    prepopulated_fields = {"slug": ["title"]}
    fields = ["title", "slug", "summary", "audience", "position"]


# ---- Documents ------------------------------------------------------------------------------------------------------


class VersionInline(ReadOnlyMixin, admin.TabularInline):
    model = Version
    extra = 0
    fields = readonly_fields = ("number", "leads_to", "note", "effective_on", "expires_on", "withdrawn_at", "added_by")
    show_change_link = True
    ordering = ["-number"]
    verbose_name_plural = _("versions")

    @admin.display(description=_("file or link"))
    def leads_to(self, version):
        return link_of(version)


def link_of(version):
    """To the file of this version, also when it is no longer or not yet in force; or to where it links."""
    if version.pk is None:
        return ""
    if version.url:
        return format_html('<a href="{}" rel="noreferrer">{}</a>', version.url, version.url)
    address = reverse("admin:resources_version_file", args=[version.pk])
    return format_html('<a href="{}">{}</a>', address, _("Download"))


def do_add_version(request, document, facts):
    version = versions.add_version(document, by=request.user, **facts)
    said = gettext("Version %(number)d takes effect on %(day)s.")
    return said % {"number": version.number, "day": version.effective_on.isoformat()}


def do_remind(request, document, facts):
    version = document.versions.in_force().get()
    count = must_reads.remind(version)
    return ngettext("A reminder to %d person is on its way.", "Reminders to %d people are on their way.", count) % count


def whom_to_remind(document):
    version = document.versions.in_force().get()
    return [(reader.name, reader.email) for reader in must_reads.missing_readers(version)]


def is_read_by_not_all(document):
    version = document.versions.in_force().select_related("document__collection").first()
    return bool(document.is_must_read and document.is_current and version and must_reads.missing_readers(version))


class OnTheSiteFilter(WorkFirstFilter):
    """What readers have now comes first."""

    title = _("state")
    waiting = _("On the site")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("unread", _("Not confirmed by all")), ("off", _("Not on the site")), ("all", _("All documents"))]

    def queryset(self, request, queryset):
        if self.value() == "all" or self.is_search(request):
            return queryset
        if self.value() == "unread":
            return queryset.filter(pk__in=must_reads.unconfirmed_documents())
        shown = {"is_current": True, "pk__in": Version.objects.in_force().values("document")}
        return queryset.exclude(**shown) if self.value() == "off" else queryset.filter(**shown)


@admin.register(Document)
class DocumentAdmin(ActsMixin, admin.ModelAdmin):
    acts = (
        Act(
            "new-version", _("Add a version"), "resources.change_document", do_add_version, VersionForm,
            _("It takes the place of the one before on the day it takes effect. Must-reads are asked for anew."),
            refusals=(versions.VersionRefused,),
        ),
        Act(
            "remind", _("Remind those who have not read it"), "resources.change_document", do_remind, forms.Form,
            _("Each of them gets an e-mail at once."), is_read_by_not_all, show=whom_to_remind,
        ),
    )  # fmt: skip
    logs_readings = False
    logs_acts = True
    list_display = ["title", "collection", "audience", "kind", "is_must_read", "in_force"]
    list_filter = [OnTheSiteFilter, "collection__audience", "collection", "kind", "is_must_read"]
    list_select_related = ["collection"]
    search_fields = ["title", "summary"]
    prepopulated_fields = {"slug": ["title"]}
    autocomplete_fields = ["collection"]
    inlines = [VersionInline]
    change_form_template = "admin/resources/document.html"
    fieldsets = [
        (None, {"fields": ["title", "slug", "collection", "kind", "summary"]}),
        (_("Readers"), {"fields": ["is_must_read", "is_current"]}),
    ]
    first_version = (
        _("First version"),
        {"fields": ["file", "url", "note", "effective_on", "expires_on"], "description": _("A file, or a link.")},
    )

    def get_queryset(self, request):
        in_force = Version.objects.in_force()
        return super().get_queryset(request).prefetch_related(Prefetch("versions", in_force, to_attr="holding"))

    def get_form(self, request, obj=None, change=False, **options):
        if obj is None:
            options["form"] = NewDocumentForm
        return super().get_form(request, obj, change, **options)

    def get_fieldsets(self, request, obj=None):
        return self.fieldsets if obj else [*self.fieldsets, self.first_version]

    def get_inlines(self, request, obj):
        return self.inlines if obj else []

    def save_model(self, request, document, form, change):
        super().save_model(request, document, form, change)
        if not change:
            versions.add_version(document, by=request.user, **form.version_facts())

    @admin.display(description=_("for"), ordering="collection__audience")
    def audience(self, document):
        return document.collection.get_audience_display()

    @admin.display(description=_("version in force"))
    def in_force(self, document):
        return document.holding[0].number if document.holding else _("none")

    def has_delete_permission(self, request, obj=None):
        return False  # taken off the site; what people have confirmed names it

    # ---- Who has read it ----

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/readers/", view(self.readers_view), name="resources_document_readers"),
            path("<int:pk>/readers/export/", view(self.export_readers_view), name="resources_document_readers_export"),
            *super().get_urls(),
        ]

    def _readers(self, request, pk):
        document = get_object_or_404(Document.objects.select_related("collection"), pk=pk)
        if not self.has_view_permission(request, document):
            raise PermissionDenied
        version = document.versions.in_force().select_related("document__collection").first()
        return document, version, must_reads.readers_of(version) if version else []

    def readers_view(self, request, pk):
        """Who has confirmed the version in force, and who has not."""
        document, version, readers = self._readers(request, pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Who has read it"),
            "opts": self.opts,
            "original": document,
            "version": version,
            "missing": [reader for reader in readers if reader.read_at is None],
            "read": [reader for reader in readers if reader.read_at],
        }
        return TemplateResponse(request, "admin/resources/readers.html", context)

    def export_readers_view(self, request, pk):
        document, version, readers = self._readers(request, pk)
        record_many(request, Document, f"readers of {document.pk}")
        head = csv_line([_("name"), _("e-mail address"), _("version"), _("read at")])
        lines = [csv_line([r.name, r.email, version and version.number, r.read_at or ""]) for r in readers]
        response = HttpResponse([head, *lines], content_type="text/csv; charset=utf-8")
        name = f"readers-{document.slug}-{timezone.localdate().isoformat()}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store, private"
        return response


def do_withdraw(request, version, facts):
    versions.withdraw_version(version)
    return gettext("The version is withdrawn. The one before it holds again, if there is one.")


def do_set_last_day(request, version, facts):
    versions.set_last_day(version, facts["expires_on"])
    return gettext("The last day is changed.")


@admin.register(Version)
class VersionAdmin(ActsMixin, ReadOnlyMixin, admin.ModelAdmin):
    """Reached from its document."""

    acts = (
        Act(
            "last-day", _("Change the last day"), "resources.change_document", do_set_last_day, LastDayForm,
            offered=lambda version: version.withdrawn_at is None, refusals=(versions.VersionRefused,),
            initial=lambda version: {"expires_on": version.expires_on},
        ),
        Act(
            "withdraw", _("Withdraw it"), "resources.change_document", do_withdraw, forms.Form,
            _("For a wrong file: nobody gets it any more, and the version before it holds again. It stays on record."),
            offered=lambda version: version.withdrawn_at is None,
            show=lambda version: [(_("Document"), version.document.title), (_("Version"), str(version.number))],
        ),
    )  # fmt: skip
    logs_readings = False
    logs_acts = True
    fields = [
        "document", "number", "leads_to", "note", "effective_on", "expires_on", "withdrawn_at", "added_at", "added_by",
    ]  # fmt: skip
    readonly_fields = ["leads_to"]
    list_display = ["document", "number", "effective_on", "expires_on", "withdrawn_at"]
    list_select_related = ["document"]
    search_fields = ["document__title"]

    def has_module_permission(self, request):
        return False  # no list of its own in the menu

    def get_urls(self):
        view = self.admin_site.admin_view(self.file_view)
        return [path("<int:pk>/file/", view, name="resources_version_file"), *super().get_urls()]

    def file_view(self, request, pk):
        version = get_object_or_404(Version.objects.select_related("document"), pk=pk)
        if not self.has_view_permission(request, version):
            raise PermissionDenied
        if not version.file:
            raise Http404
        record_read(request, version)
        return serve(request, version.file, version.download_name)

    @admin.display(description=_("file or link"))
    def leads_to(self, version):
        return link_of(version)


# ---- On call --------------------------------------------------------------------------------------------------------


def do_plan(request, service, facts):
    made = on_call.plan_rotation(service, **facts)
    return ngettext("%d shift was made.", "%d shifts were made.", len(made)) % len(made)


class CoverFilter(admin.SimpleListFilter):
    title = _("cover")
    parameter_name = "cover"

    def lookups(self, request, model_admin):
        return [("none", _("Nobody on call at some time in the next seven days"))]

    def queryset(self, request, queryset):
        return queryset.filter(pk__in=CallService.objects.without_cover()) if self.value() else queryset


@admin.register(CallService)
class CallServiceAdmin(ActsMixin, admin.ModelAdmin):
    acts = (
        Act(
            "plan", _("Plan who takes turns"), "resources.add_callshift", do_plan, RotationForm,
            _("Makes the shifts from the first to the last day. Single ones are changed under Shifts."),
            refusals=(on_call.RotationRefused,),
        ),
    )  # fmt: skip
    logs_readings = False
    logs_acts = True
    list_display = ["name", "phone", "audience", "position"]
    list_filter = [CoverFilter, "audience"]
    search_fields = ["name"]
    fields = ["name", "phone", "note", "audience", "position"]


class ShiftFilter(WorkFirstFilter):
    title = _("when")
    waiting = _("Now and to come")
    parameter_name = "when"

    def lookups(self, request, model_admin):
        return [("all", _("All shifts"))]

    def queryset(self, request, queryset):
        return queryset if self.value() == "all" else queryset.filter(ends_at__gt=timezone.now())


@admin.register(CallShift)
class CallShiftAdmin(admin.ModelAdmin):
    list_display = ["starts_at", "ends_at", "service", "tier", "person"]
    list_filter = [ShiftFilter, "service", "tier"]
    list_select_related = ["service"]
    search_fields = ["person"]
    autocomplete_fields = ["service"]
    fields = ["service", "tier", "person", "phone", "starts_at", "ends_at"]


# ---- The guide ------------------------------------------------------------------------------------------------------


@admin.register(OrderingAdvice)
class OrderingAdviceAdmin(admin.ModelAdmin):
    list_display = ["question", "region", "exam", "codes", "is_urgent", "reviewed_on"]
    list_filter = ["region", "is_urgent", "is_sample"]
    search_fields = ["question", "also", "exam", "codes"]
    autocomplete_fields = ["reviewed_by"]
    fieldsets = [
        (None, {"fields": ["region", "question", "also", "exam", "codes", "is_urgent"]}),
        (_("To think of"), {"fields": ["alternative", "before", "tell_us"]}),
        (
            _("Review"),
            {
                "fields": ["is_sample", "reviewed_by", "reviewed_on"],
                "description": _("Advice stands here as a physician of the practice has reviewed it."),
            },
        ),
    ]


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):
    list_display = ["name", "what_for", "phone", "audience", "position"]
    list_filter = ["audience"]
    search_fields = ["name", "what_for"]
