import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from education import checklist
from education.models import (
    Article,
    ArticleStatus,
    Edition,
    Illustration,
    LocalNote,
    Name,
    ProcedureCode,
    Section,
    SectionKind,
    Term,
    Topic,
)
from education.packs.loading import import_pack
from education.packs.writing import current_files
from education.paragraphs import digests_of
from education.reading_grade import grade_of
from education.review import change_status, record_review
from practice.accounts import roles
from tests.factories import (
    ArticleFactory,
    LocationFactory,
    PhysicianFactory,
    TopicFactory,
    UserFactory,
    live,
    make_term,
)
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("identity")

INSIDE = [roles.EDITOR, roles.CLINICAL_REVIEWER, roles.ADMINISTRATOR]
OUTSIDE = [role for role in roles.STAFF_ROLES if role not in INSIDE]
NOT_STAFF = [roles.PHYSICIAN, roles.REFERRING_OFFICE]
NOON = datetime(2026, 5, 1, 16, tzinfo=UTC)
DAYS = (date(2026, 1, 1), date(2027, 1, 1))
LIST = reverse("admin:education_article_changelist")
CHECK = reverse("admin:education_article_check")
HARD = "Percutaneous radiofrequency ablation necessitates multidisciplinary preprocedural evaluation."
WARM = "The radiologist will explain the examination before we take pictures of the painful shoulder."
BASIC = SectionKind.BASIC_FACTS


def change_address(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def page_of(article, name, *number):
    return reverse(f"admin:education_article_{name.replace('-', '_')}", args=[article.pk, *number])


def said(response):
    """The messages of the page the answer leads to."""
    found = re.search(r'<ul class="messagelist">(.*?)</ul>', response.text, re.DOTALL)
    return re.findall(r'<li class="(\w+)">(.*?)</li>', found.group(1), re.DOTALL) if found else []


def errors_of(response):
    return [str(error) for errors in response.context["errors"] for error in errors]


def refusals_of(response):
    """What the page of an act says is wrong, field by field."""
    return {field: [str(error) for error in errors] for field, errors in response.context["form"].errors.items()}


def everything():
    """All that is kept of articles, to see that nothing has changed."""
    return [list(model.objects.order_by("pk").values()) for model in (Article, Edition, Section, LocalNote)]


def row_forms(prefix, rows, *fields):
    """What the browser sends for rows below a form, as they are."""
    form = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        form |= {f"{prefix}-{number}-{field}": getattr(row, field) for field in fields}
        form |= {f"{prefix}-{number}-id": row.pk, f"{prefix}-{number}-article": row.article_id}
    return form


def article_form(article, **changes):
    """What the browser sends when somebody presses Save on an article's page."""
    sections = sorted(article.sections.all(), key=lambda section: section.position)
    notes = list(article.local_notes.all())
    form = {
        "topic": article.topic_id,
        "language": article.language,
        "title": article.title,
        "summary": article.summary,
        "also_called": article.also_called,
        "sources": article.sources,
        "copyright": article.copyright,
        "licence": article.licence,
        "grade_reason": article.grade_reason,
    }
    form |= row_forms("sections", sections, "kind", "body")
    form |= row_forms("local_notes", notes, "body")
    form |= {f"local_notes-{number}-location": note.location_id for number, note in enumerate(notes)}
    return form | changes


def new_note(article, location, body):
    return {
        "local_notes-TOTAL_FORMS": 1,
        "local_notes-0-id": "",
        "local_notes-0-article": article.pk,
        "local_notes-0-location": location.pk,
        "local_notes-0-body": body,
    }


def save(client, article, **changes):
    """Press Save; returns the kinds of messages."""
    response = client.post(change_address(article), article_form(article, **changes), follow=True)
    article.refresh_from_db()
    return [kind for kind, _text in said(response)]


def choose(client, action, *articles):
    """Choose an action of the list for these articles."""
    data = {"action": action, "_selected_action": [article.pk for article in articles], "sure": "yes"}
    return client.post(LIST, data, follow=True)


def press(client, act, article, **facts):
    """Press the button of an act, or send the form of its page."""
    return client.post(page_of(article, act), facts, follow=True)


def reviewed(article, days=DAYS):
    """The article, with the review of a physician who has read it as it stands."""
    record_review(article, PhysicianFactory(name="Ann Lee"), *days)
    article.refresh_from_db()
    return article


def on_the_site(article, days=DAYS):
    """The article, published as it stands, with a review of these days."""
    article.refresh_from_db()
    if article.status in (ArticleStatus.PUBLISHED, ArticleStatus.DRAFT):
        change_status(article, ArticleStatus.IN_REVIEW)
    record_review(article, PhysicianFactory(name="Ann Lee"), *days)
    change_status(article, ArticleStatus.PUBLISHED)
    article.refresh_from_db()
    return article


def main_of(response):
    """The part of the page that is its own, without the line that says it is a preview."""
    main = re.search(r'<main id="main">(.*)</main>', response.text, re.DOTALL).group(1)
    return re.sub(r'<p class="note note-warm" role="status">.*?</p>', "", main).strip()


def days_on(response):
    return re.findall(r'<time datetime="([^"]+)">', main_of(response))


def who_only_views():
    """Staff who may look at articles and do nothing else: a role a practice could make."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_article", "view_section", "view_term"]))
    client = Client()
    sign_in(client, user)
    return client


# ---- Articles -------------------------------------------------------------------------------------------------------


def test_editor_edits_an_article(staff):
    article = ArticleFactory(sections={SectionKind.RISKS: "Few.", BASIC: "The facts."})
    client = staff("Editor", name="Eve")
    page = client.get(change_address(article))
    assert [form.instance.kind for form in page.context["inline_admin_formsets"][0].formset.initial_forms] == [
        BASIC,
        SectionKind.RISKS,
    ]
    changes = {
        "title": "Newer title",
        "also_called": "one\r\ntwo",
        "sections-0-body": "Newer facts.\r\n\r\nMore.",
        "sections-1-DELETE": "on",
        "sections-TOTAL_FORMS": 3,
        "sections-2-kind": SectionKind.WHY,
        "sections-2-body": "Because.",
        "sections-2-article": article.pk,
        "sections-2-id": "",
    }
    assert save(client, article, **changes)[-1:] == ["success"]
    assert (article.title, article.sort_key, article.other_names) == ("Newer title", "newer title", ["one", "two"])
    assert {section.kind: section.body for section in article.sections.all()} == {
        BASIC: "Newer facts.\r\n\r\nMore.",
        SectionKind.WHY: "Because.",
    }
    newest = article.editions.first()
    assert (newest.number, newest.made_by.name, newest.title, newest.also_called, newest.sections) == (
        2,
        "Eve",
        "Newer title",
        "one\ntwo",
        [{"kind": "basic facts", "body": "Newer facts.\n\nMore."}, {"kind": "why", "body": "Because."}],
    )


def test_what_moves_only_by_acts_is_not_on_the_form(staff):
    article = ArticleFactory(status=ArticleStatus.IN_REVIEW, is_sample=False)
    before = everything()
    facts = {
        "status": "published",
        "reviewer": PhysicianFactory().pk,
        "reviewed_on": "2026-01-01",
        "next_review_on": "2027-01-01",
        "is_sample": "on",
        "stale_blocks": "3",
    }
    assert save(staff("Administrator"), article, **facts) == ["success"]
    (now, *_rest), (was, *_others) = everything()[0], before[0]
    assert now | {"updated_at": was["updated_at"]} == was
    assert everything()[1:] == before[1:]


def test_editor_writes_a_new_article_which_is_a_draft(staff):
    form = {
        "topic": TopicFactory().pk,
        "language": "es",
        "title": "Rodilla",
        "summary": "Qué es.",
        "copyright": "© Test",
        "licence": "CC BY",
        "sections-TOTAL_FORMS": 1,
        "sections-INITIAL_FORMS": 0,
        "sections-0-kind": BASIC,
        "sections-0-body": "Lo básico.",
        "local_notes-TOTAL_FORMS": 0,
        "local_notes-INITIAL_FORMS": 0,
    }
    response = staff("Editor").post(reverse("admin:education_article_add"), form, follow=True)
    assert [kind for kind, _text in said(response)] == ["success"]
    assert list(Article.objects.values_list("title", "language", "status", "sections__body", "editions__number")) == [
        ("Rodilla", "es", "draft", "Lo básico.", 1)
    ]
    assert live(Article.objects.get()) is None


def test_saving_unchanged_is_no_edit_of_the_pack(staff, tmp_path):
    """Opening a topic, an article or a word and pressing Save must not keep the next import away."""
    files = {
        "pack.md": "---\ncopyright: A\nlicence: B\nsample: true\n---\n",
        "topics/a/topic.md": (
            "---\nkind: exam\nbody_region: chest\nmodality: ct\nprocedure_codes: [Z9, A1]\nsample_charge: '1240.50'\n---\n"
        ),
        "topics/a/en.md": (
            "---\ntitle: T\nsummary: S\nalso_called: [z, a]\n---\n## Basic facts\n\nOne.\n\nTwo.\n\n"
            "## Sources\n\nX\n\nY\n"
        ),
        "glossary/port.md": "---\nen: {name: Port, synonyms: [z, a, m]}\n---\n## en\n\nOne.\n\nTwo.\n",
    }
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    import_pack(tmp_path)
    before, editions = current_files(), Edition.objects.values_list("number", "is_live")
    client = staff("Editor")
    for row in (Topic.objects.get(), Article.objects.get(), Term.objects.get()):
        page = client.get(change_address(row))
        formsets = [inline.formset for inline in page.context["inline_admin_formsets"]]
        forms = [page.context["adminform"].form, *(form for formset in formsets for form in formset.forms)]
        sent = {bound.html_name: bound.value() for form in forms for bound in form}
        sent |= {bound.html_name: bound.value() for formset in formsets for bound in formset.management_form}
        as_browsers_send = {
            name: "" if value is None else str(value).replace("\n", "\r\n")
            for name, value in sent.items()
            if value is not False and value != []
        }
        response = client.post(change_address(row), as_browsers_send, follow=True)
        assert [kind for kind, _text in said(response)] == ["success"]
    assert current_files() == before
    assert list(editions) == [(1, True)]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"title": ""}, "This field is required."),
        ({"summary": "x" * 301}, "Ensure this value has at most 300 characters (it has 301)."),
        ({"sections-0-body": ""}, "This field is required."),
        ({"sections-0-kind": "prices"}, "Select a valid choice. prices is not one of the available choices."),
    ],
)
def test_article_form_says_what_is_wrong(staff, changes, error):
    article = ArticleFactory(title="Before")
    before = everything()
    response = staff("Editor").post(change_address(article), article_form(article, **changes))
    assert response.status_code == 200
    assert errors_of(response) == [error]
    assert everything() == before


def test_article_form_takes_one_article_a_language(staff):
    english = ArticleFactory()
    form = article_form(english) | {"sections-INITIAL_FORMS": 0, "local_notes-INITIAL_FORMS": 0, "sections-0-id": ""}
    del form["sections-0-article"]
    response = staff("Editor").post(reverse("admin:education_article_add"), form)
    assert errors_of(response) == ["This topic already has an article in this language."]


def test_article_stays_what_it_was_begun_as(staff):
    article = ArticleFactory(language="es")
    save(staff("Editor"), article, topic=TopicFactory().pk, language="en", title="Newer")
    before = (article.topic_id, article.language)
    article.refresh_from_db()
    assert ((article.topic_id, article.language), article.title) == (before, "Newer")


def test_article_form_takes_one_note_a_location(staff):
    article, location = ArticleFactory(), LocationFactory()
    client = staff("Editor")
    assert save(client, article, **new_note(article, location, "Ring.\r\nWait."))[-1:] == ["success"]
    assert article.editions.first().places == [{"location": location.slug, "body": "Ring.\nWait."}]
    second = {name.replace("-0-", "-1-"): value for name, value in new_note(article, location, "Knock.").items()} | {
        "local_notes-TOTAL_FORMS": 2
    }
    response = client.post(change_address(article), article_form(article, **second))
    formset = response.context["inline_admin_formsets"][1].formset
    assert formset.non_form_errors() == ["Please correct the duplicate data for location."]
    assert save(client, article, **{"local_notes-0-DELETE": "on"})[-1:] == ["success"]
    assert [len(edition.places) for edition in article.editions.all()] == [0, 1, 0]


def grade(text):
    return f"{grade_of(['What it is.', text], 'en'):g}"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("The facts.", ["success"]),
        (WARM, [f"It reads at grade {grade(WARM)}. Aim at 8 or below.", "success"]),
        (HARD, [f"It reads at grade {grade(HARD)}. Aim at 8 or below.", "success"]),
    ],
)
def test_hard_text_is_saved_with_a_warning(staff, text, messages):
    article = ArticleFactory(status=ArticleStatus.DRAFT)
    form = article_form(article, **{"sections-0-body": text})
    response = staff("Editor").post(change_address(article), form, follow=True)
    assert [text if kind == "warning" else kind for kind, text in said(response)] == messages
    assert article.sections.get().body == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The facts.", ("good", "Grade 0.", "Good.", "")),
        (WARM, ("warm", f"Grade {grade(WARM)}.", "Hard: aim at grade 8 or below.", "examination")),
        (
            HARD,
            (
                "bad",
                f"Grade {grade(HARD)}.",
                "Too hard: above grade 12 it is published only with a reason.",
                "percutaneous, radiofrequency, necessitates, multidisciplinary, preprocedural, evaluation",
            ),
        ),
    ],
)
def test_form_shows_how_the_saved_text_reads(staff, text, shown):
    make_term("ablation", en="Ablation")
    article = ArticleFactory(sections={BASIC: text})
    page = staff("Editor").get(change_address(article))
    level, found, verdict, words = re.search(
        r'<div class="meter (\w+)" id="meter"><strong>(.*?)</strong> (.*?)<br>(.*?)</div>', page.text
    ).groups()
    assert (level, found, verdict, words.removeprefix("Hard words without an explanation: ")) == shown


def test_clinical_reviewer_adds_and_deletes_nothing(staff):
    article = ArticleFactory()
    client = staff("Clinical reviewer")
    added = client.post(reverse("admin:education_article_add"), article_form(article))
    save(client, article, **{"sections-0-DELETE": "on", "sections-0-body": "Corrected."})
    save(client, article, **new_note(article, LocationFactory(), "Ring."))
    assert (added.status_code, Article.objects.count(), Section.objects.get().body, LocalNote.objects.count()) == (
        403,
        1,
        "Corrected.",
        0,
    )
    assert [
        client.post(address, {"slug": "mine"}).status_code
        for address in (
            reverse("admin:education_topic_add"),
            change_address(article.topic),
            change_address(make_term("a")),
        )
    ] == [403, 403, 403]


@pytest.mark.parametrize("role", OUTSIDE)
def test_other_roles_do_not_come_in(staff, role):
    article = ArticleFactory()
    client = staff(role)
    assert [
        client.get(LIST).status_code,
        client.post(change_address(article), article_form(article, title="Mine")).status_code,
    ] == [403, 403]
    article.refresh_from_db()
    assert article.title != "Mine"


def test_nobody_deletes_an_article_or_a_topic_that_has_one(staff):
    article = ArticleFactory()
    client = staff("Administrator", is_superuser=True)
    refused = client.post(reverse("admin:education_article_delete", args=[article.pk]), {"post": "yes"})
    client.post(reverse("admin:education_topic_delete", args=[article.topic_id]), {"post": "yes"})
    assert (refused.status_code, Article.objects.count(), Topic.objects.count()) == (403, 1, 1)


# ---- Saving and the site --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Newer"},
        {"summary": "Newer."},
        {"also_called": "newer"},
        {"sources": "Newer."},
        {"copyright": "Newer"},
        {"licence": "Newer"},
        {"grade_reason": "Newer."},
        {"sections-0-body": "Newer."},
        {"sections-0-kind": SectionKind.RISKS},
        {"sections-0-DELETE": "on"},
        {"local_notes-0-body": "Newer."},
        {"local_notes-0-DELETE": "on"},
        {"topic": "hip"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_saving_a_published_article_never_changes_the_site(staff, client, changes):
    article = ArticleFactory(topic=TopicFactory(slug="knee"))
    location = LocationFactory()
    article.topic.locations.add(location)
    article.local_notes.create(location=location, body="Ring.")
    on_the_site(article)
    changes = changes | ({"topic": TopicFactory(slug=changes["topic"]).pk} if "topic" in changes else {})
    before, edition = main_of(client.get("/patient-information/knee/")), live(article)
    assert save(staff("Editor"), article, **changes)[-1:] == ["success"]
    page = client.get("/patient-information/knee/")
    assert (article.status, live(article), page.status_code) == (ArticleStatus.PUBLISHED, edition, 200)
    assert main_of(page) == before


def test_text_changed_after_its_review_waits_for_another_and_the_site_keeps_text_and_dates(staff, client):
    article = on_the_site(ArticleFactory(topic=TopicFactory(slug="knee"), title="Knee"))
    editor, reviewer = staff("Editor"), staff("Clinical reviewer")
    before = main_of(client.get("/patient-information/knee/"))
    save(editor, article, **{"sections-0-body": "Newer facts."})
    press(editor, "send-to-review", article)
    assert said(press(reviewer, "publish", article)) == [
        (
            "error",
            "Knee (en) needs a physician&#x27;s review before it is published. The text was changed after the last "
            "review.",
        )
    ]
    review = {
        "reviewer": PhysicianFactory().pk,
        "reviewed_on": "2026-03-01",
        "next_review_on": "2028-03-01",
        "read_whole": "on",
    }
    assert said(press(reviewer, "record-review", article, **review)) == [("success", "The review is recorded.")]
    page = client.get("/patient-information/knee/")
    assert (main_of(page), days_on(page)) == (before, ["2026-01-01", "2027-01-01"])
    assert said(press(reviewer, "publish", article)) == [("success", "Knee (en) is on the site.")]
    page = client.get("/patient-information/knee/")
    assert ("Newer facts." in main_of(page), days_on(page)) == (True, ["2026-03-01", "2028-03-01"])


def test_text_above_grade_12_is_published_only_with_a_reason(staff):
    article = reviewed(ArticleFactory(title="Knee", status=ArticleStatus.IN_REVIEW, sections={BASIC: HARD}))
    client = staff("Administrator")
    assert said(press(client, "publish", article)) == [
        (
            "error",
            f"Knee (en) reads at grade {grade(HARD)}. Above 12 it is published only with a reason: make it easier, or "
            "write the reason in the article.",
        )
    ]
    assert (Article.objects.get().status, live(article)) == (ArticleStatus.IN_REVIEW, None)
    save(client, article, grade_reason="It names the drugs.")
    assert said(press(client, "publish", article)) == [("success", "Knee (en) is on the site.")]
    assert live(article).grade_reason == "It names the drugs."


# ---- Acts -----------------------------------------------------------------------------------------------------------

OF_PUBLISHERS = ("record-review", "publish", "retire")
OFFERED_IN = {
    "send-to-review": ("draft", "published"),
    "record-review": ("in review", "published"),
    "publish": ("in review",),
    "back-to-draft": ("in review", "retired"),
    "retire": ("draft", "in review", "published"),
    "confirm-translation": (),
}
ALL_YES = dict.fromkeys(checklist.QUESTIONS, "yes")


def facts_for(act):
    """What the page of an act wants to know."""
    review = {"reviewed_on": "2026-01-01", "next_review_on": "2027-01-01", "read_whole": "on"}
    return {
        "record-review": lambda: review | {"reviewer": PhysicianFactory().pk},
        "checklist": lambda: ALL_YES,
        "confirm-translation": lambda: {"same": "on"},
    }.get(act, dict)()


@pytest.mark.parametrize(
    ("status", "for_editors", "for_publishers"),
    [
        ("draft", ["Send to review", "Checklist"], ["Send to review", "Retire", "Checklist"]),
        (
            "in review",
            ["Back to draft", "Checklist"],
            ["Record a review", "Publish", "Back to draft", "Retire", "Checklist"],
        ),
        (
            "published",
            ["Send to review", "Checklist"],
            ["Send to review", "Record a review", "Retire", "Checklist"],
        ),
        ("retired", ["Back to draft", "Checklist"], ["Back to draft", "Checklist"]),
    ],
)
def test_acts_offered_above_an_article(staff, status, for_editors, for_publishers):
    article = ArticleFactory(status=status)
    found = {}
    for role in INSIDE:
        found[role] = [str(act["label"]) for act in staff(role).get(change_address(article)).context["acts"]]
    assert found == dict(zip(INSIDE, [for_editors, for_publishers, for_publishers], strict=True))
    assert [act["label"] for act in who_only_views().get(change_address(article)).context["acts"]] == []


@pytest.mark.parametrize("role", INSIDE)
@pytest.mark.parametrize(
    ("act", "before", "after", "message"),
    [
        ("send-to-review", "draft", "in review", "Knee (en) waits for a physician’s review."),
        ("send-to-review", "published", "in review", "Knee (en) waits for a physician’s review."),
        ("record-review", "in review", "in review", "The review is recorded."),
        ("record-review", "published", "published", "The review is recorded."),
        ("publish", "in review", "published", "Knee (en) is on the site."),
        ("back-to-draft", "in review", "draft", "Knee (en) is a draft again."),
        ("back-to-draft", "retired", "draft", "Knee (en) is a draft again."),
        ("retire", "published", "retired", "Knee (en) is no longer on the site."),
        ("checklist", "draft", "draft", "Kept: 12 of 12 answered yes."),
    ],
)
def test_act_does_what_it_says_for_those_who_may(staff, role, act, before, after, message):
    article = ArticleFactory(title="Knee", status=before)
    if act == "publish":
        reviewed(article)
    client, facts = staff(role), facts_for(act)
    was, was_live = everything(), live(article)
    response = press(client, act, article, **facts)
    if role == "Editor" and act in OF_PUBLISHERS:
        assert (response.status_code, everything()) == (403, was)
        return
    assert said(response) == [("success", message)]
    article.refresh_from_db()
    assert (article.status, live(article)) == (
        after,
        {"publish": article.editions.first(), "retire": None}.get(act, was_live),
    )


@pytest.mark.parametrize(
    ("act", "status"),
    [(act, status) for act, fits in OFFERED_IN.items() for status in ArticleStatus.values if status not in fits],
)
def test_act_does_nothing_where_it_is_not_offered(staff, act, status):
    article = ArticleFactory(status=status)
    client, facts = staff("Administrator"), facts_for(act)
    before = everything()
    response = press(client, act, article, **facts)
    assert (response.redirect_chain, said(response)) == ([(change_address(article), 302)], [])
    assert everything() == before


@pytest.mark.parametrize(
    ("act", "status", "asks_first"),
    [
        ("send-to-review", "draft", False),
        ("publish", "in review", False),
        ("back-to-draft", "retired", False),
        ("retire", "published", True),
    ],
)
def test_act_is_never_done_by_a_link(staff, act, status, asks_first):
    article = ArticleFactory(status=status)
    if act == "publish":
        reviewed(article)
    client = staff("Administrator")
    before = everything()
    response = client.get(page_of(article, act), follow=True)
    assert response.redirect_chain == ([] if asks_first else [(change_address(article), 302)])
    assert everything() == before


def knock(client, article):
    """The statuses with which the pages around an article answer."""
    acts = [client.post(page_of(article, act), facts_for(act)).status_code for act in (*OFFERED_IN, "checklist")]
    looks = [client.get(page_of(article, "preview")), client.get(page_of(article, "editions"))]
    looks += [client.get(page_of(article, "edition", 1)), client.post(page_of(article, "restore", 1))]
    looks += [client.post(CHECK, {"language": "en", "texts": []}, content_type="application/json")]
    return acts, [response.status_code for response in looks]


@pytest.mark.parametrize("role", [*OUTSIDE, *NOT_STAFF, None])
def test_pages_around_an_article_are_closed_to_others(staff, client, role):
    article = ArticleFactory()
    if role in OUTSIDE:
        client = staff(role)
    elif role:
        client.force_login(UserFactory(roles=[role]))
    before = everything()
    closed = 403 if role in OUTSIDE else 302
    assert knock(client, article) == ([closed] * 7, [closed] * 5)
    assert everything() == before


def test_who_only_views_looks_and_does_nothing(identity):
    article = ArticleFactory()
    before = everything()
    assert knock(who_only_views(), article) == ([403] * 7, [200, 200, 200, 403, 403])
    assert everything() == before


def test_clinical_reviewer_reviews_and_publishes(staff):
    physician = PhysicianFactory(name="Ann Lee")
    PhysicianFactory(is_practising=False)
    article = ArticleFactory(title="Knee", status=ArticleStatus.IN_REVIEW, is_sample=False)
    client = staff("Clinical reviewer")
    with time_machine.travel(NOON, tick=False):
        form = staff("Clinical reviewer").get(page_of(article, "record-review")).context["form"]
    assert list(form.fields["reviewer"].queryset) == [physician]
    assert [form[name].value() for name in ("reviewed_on", "next_review_on", "read_whole")] == [
        date(2026, 5, 1),
        date(2027, 5, 1),
        None,
    ]
    facts = facts_for("record-review") | {"reviewer": physician.pk}
    press(client, "record-review", article, **facts)
    assert said(press(client, "publish", article)) == [("success", "Knee (en) is on the site.")]
    article.refresh_from_db()
    assert (article.status, article.reviewer, article.reviewed_on, article.next_review_on) == (
        ArticleStatus.PUBLISHED,
        physician,
        *DAYS,
    )


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        (
            {"read_whole": ""},
            {"read_whole": ["A review is of the whole text. After reading only a part, record none."]},
        ),
        ({"reviewed_on": "2026-05-02"}, {"reviewed_on": ["This day has not come yet."]}),
        ({"reviewed_on": "soon"}, {"reviewed_on": ["Enter a valid date."]}),
        ({"reviewed_on": ""}, {"reviewed_on": ["This field is required."]}),
        ({"next_review_on": ""}, {"next_review_on": ["This field is required."]}),
        ({"next_review_on": "2025-12-31"}, {"__all__": ["The next review must be after the last one."]}),
        ({"next_review_on": "2026-01-01"}, {"__all__": ["The next review must be after the last one."]}),
        ({"reviewer": ""}, {"reviewer": ["This field is required."]}),
        (
            {"reviewer": "gone"},
            {"reviewer": ["Select a valid choice. That choice is not one of the available choices."]},
        ),
    ],
)
@pytest.mark.parametrize("status", ["in review", "published"])
def test_review_that_cannot_be_is_refused_and_changes_nothing(staff, status, changes, errors):
    article = ArticleFactory(status=status)
    facts = facts_for("record-review") | changes
    if changes == {"reviewer": "gone"}:
        facts["reviewer"] = PhysicianFactory(is_practising=False).pk
    before = everything()
    with time_machine.travel(NOON, tick=False):
        response = press(staff("Clinical reviewer"), "record-review", article, **facts)
    assert (response.status_code, refusals_of(response)) == (200, errors)
    assert everything() == before


def test_review_of_today_is_taken(staff):
    article = ArticleFactory(status=ArticleStatus.IN_REVIEW)
    facts = facts_for("record-review") | {"reviewed_on": "2026-05-01"}
    with time_machine.travel(NOON, tick=False):
        press(staff("Clinical reviewer"), "record-review", article, **facts)
    article.refresh_from_db()
    assert (article.reviewed_on, article.is_reviewed_as_it_stands, article.is_sample) == (
        date(2026, 5, 1),
        True,
        False,
    )


def review_shown(client, article):
    """The line about the review on an article's page."""
    page = client.get(change_address(article)).text
    found = re.search(r'field-review">.*?<div class="readonly">(.*?)</div>', page, re.DOTALL)
    return found.group(1)


def test_form_says_where_the_review_stands(staff):
    client = staff("Editor")
    sample = ArticleFactory()
    article = ArticleFactory(status=ArticleStatus.IN_REVIEW, is_sample=False)
    found = [review_shown(client, sample), review_shown(client, article)]
    reviewed(article)
    found.append(review_shown(client, article))
    save(client, article, summary="Newer.")
    found.append(review_shown(client, article))
    facts = "Ann Lee, MD on 2026-01-01, next due 2027-01-01"
    assert found == [
        "Sample text of the demonstration: no physician has reviewed it.",
        "Not reviewed yet.",
        facts,
        f"{facts}. The text was changed since.",
    ]


@pytest.mark.parametrize(("act", "status"), [("send-to-review", "draft"), ("record-review", "published")])
def test_act_stands_in_the_history(staff, act, status):
    press(staff("Administrator"), act, ArticleFactory(status=status), **facts_for(act))
    assert LogEntry.objects.count() == 1


def test_checklist_keeps_and_shows_its_answers(staff):
    article = ArticleFactory(status=ArticleStatus.IN_REVIEW)
    client = staff("Editor")
    answers = ALL_YES | {"active": "no", "numbers": "n/a", "steps": "n/a"}
    assert said(press(client, "checklist", article, **answers)) == [("success", "Kept: 9 of 10 answered yes.")]
    article.refresh_from_db()
    assert article.checklist == answers
    again = client.get(page_of(article, "checklist"))
    assert re.findall(r'name="([a-z-]+)" value="([a-z/]+)"[^>]* checked', again.text) == list(answers.items())
    assert dict(again.context["facts"])["Checklist"] == "9 of 10 yes"
    review = staff("Clinical reviewer").get(page_of(article, "record-review"))
    assert dict(review.context["facts"])["Checklist"] == "9 of 10 yes"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"fair": ""}, "This field is required."),
        ({"fair": "maybe"}, "Select a valid choice. maybe is not one of the available choices."),
    ],
)
def test_checklist_wants_every_answer(staff, changes, error):
    article = ArticleFactory()
    press(staff("Editor"), "checklist", article, **ALL_YES)
    before = everything()
    response = press(staff("Editor"), "checklist", article, **ALL_YES | {"active": "no"} | changes)
    assert refusals_of(response) == {"fair": [error]}
    assert everything() == before


# ---- The list -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("Editor", ["send_to_review", "back_to_draft"]),
        ("Clinical reviewer", ["send_to_review", "publish", "back_to_draft", "retire"]),
        ("Administrator", ["send_to_review", "publish", "back_to_draft", "retire"]),
    ],
)
def test_actions_offered_to_a_role(staff, role, actions):
    ArticleFactory()
    page = staff(role).get(LIST)
    assert re.findall(r'<option value="(\w+)">', page.text.split("</select>")[0]) == actions


@pytest.mark.parametrize(("action", "before"), [("publish", "in review"), ("retire", "published")])
def test_editor_neither_publishes_nor_retires(staff, action, before):
    article = ArticleFactory(status=before)
    choose(staff("Editor"), action, article)
    article.refresh_from_db()
    assert article.status == before


@pytest.mark.parametrize(
    ("action", "before", "after", "message"),
    [
        ("send_to_review", "draft", "in review", ("success", "Done: 1.")),
        ("publish", "in review", "published", ("success", "Done: 1.")),
        ("back_to_draft", "retired", "draft", ("success", "Done: 1.")),
        ("retire", "published", "retired", ("success", "Done: 1.")),
        ("publish", "draft", "draft", ("error", "Knee (en) is draft and cannot become published.")),
        ("retire", "in review", "retired", ("success", "Done: 1.")),
        ("retire", "retired", "retired", ("error", "Knee (en) is retired and cannot become retired.")),
    ],
)
def test_action_moves_the_article_or_says_why_not(staff, action, before, after, message):
    article = ArticleFactory(title="Knee", status=before)
    if before == "in review":
        reviewed(article)
    assert said(choose(staff("Administrator"), action, article)) == [message]
    article.refresh_from_db()
    assert article.status == after
    written = [entry.get_change_message() for entry in LogEntry.objects.all()]
    assert len(written) == (before != after)


def test_publishing_what_nobody_reviewed_is_refused_and_the_others_go_on(staff):
    bare = ArticleFactory(title="Bare", status=ArticleStatus.IN_REVIEW, is_sample=False)
    read = reviewed(ArticleFactory(title="Read", status=ArticleStatus.IN_REVIEW))
    sample = ArticleFactory(title="Sample")
    change_status(sample, ArticleStatus.IN_REVIEW)
    assert said(choose(staff("Clinical reviewer"), "publish", bare, read, sample)) == [
        ("success", "Done: 2."),
        ("error", "Bare (en) needs a physician&#x27;s review before it is published."),
    ]
    assert dict(Article.objects.values_list("title", "status")) == {
        "Bare": "in review",
        "Read": "published",
        "Sample": "published",
    }


@pytest.mark.parametrize(
    ("language", "status", "changes", "link"),
    [
        ("en", "published", {}, '<a href="/patient-information/knee/">Open the page</a>'),
        ("es", "published", {}, '<a href="/es/patient-information/knee/">Open the page</a>'),
        (
            "en",
            "published",
            {"summary": "Newer."},
            '<a href="/patient-information/knee/">Open the page</a> (newer text waits)',
        ),
        ("en", "draft", {}, "–"),
    ],
)
def test_list_of_articles_links_to_the_published_page(staff, language, status, changes, link):
    article = ArticleFactory(topic=TopicFactory(slug="knee"), language=language, status=status)
    client = staff("Editor")
    save(client, article, **changes)
    assert [cell.strip() for cell in re.findall(r'<td class="field-page">(.*?)</td>', client.get(LIST).text)] == [link]


ALL = ["again", "draft", "edited", "later", "late", "new", "read", "read again", "retired", "stale", "today"]
QUEUES = {
    "review": ["again", "new"],
    "due": ["late", "today"],
    "translation": ["stale"],
    "publishing": ["again", "edited", "read again"],
    None: ALL,
    "nothing": ALL,
}


def test_queues_show_what_waits(staff, subtests):
    client, today = staff("Editor"), timezone.localdate()
    future = (DAYS[0], today + timedelta(days=1))
    for title, status in (("draft", "draft"), ("retired", "retired"), ("new", "in review"), ("read", "in review")):
        ArticleFactory(title=title, status=status, is_sample=False)
    reviewed(Article.objects.get(title="read"), future)
    for title in ("again", "edited", "late", "later", "read again", "stale", "today"):
        days = {"late": (date(2020, 1, 1), date(2021, 1, 1)), "today": (DAYS[0], today)}.get(title, future)
        on_the_site(ArticleFactory(title=title), days)
    for title in ("again", "edited", "read again"):
        save(client, Article.objects.get(title=title), summary="Newer.")
    for title in ("again", "read again"):
        change_status(Article.objects.get(title=title), ArticleStatus.IN_REVIEW)
    reviewed(Article.objects.get(title="read again"), future)
    Article.objects.filter(title="stale").update(stale_blocks=2)
    for needs, titles in QUEUES.items():
        with subtests.test(needs=needs):
            page = client.get(LIST, {"needs": needs} if needs else {})
            assert sorted(article.title for article in page.context["cl"].result_list) == sorted(titles)


# ---- Preview and editions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "prefix", "stale"), [("en", "", 0), ("es", "/es", 1)])
def test_preview_is_the_page_that_publishing_makes(staff, client, language, prefix, stale):
    make_term("port", en="Port", es="Puerto")
    drawing = Illustration.objects.create(slug="knee", drawing="<svg></svg>", alt="A knee", alt_es="Una rodilla")
    topic = TopicFactory(slug="knee", sample_charge_cents=64_000, illustration=drawing)
    location = LocationFactory()
    topic.locations.add(location)
    english = ArticleFactory(topic=topic, sections={BASIC: "A port.\n\nTwo.", SectionKind.PREPARE: "Eat little."})
    spanish = ArticleFactory(
        topic=topic, language="es", sections={BASIC: "Un puerto.\n\nDos.", SectionKind.PREPARE: "Coma poco."}
    )
    spanish.sections.filter(kind=BASIC).update(translated_from=digests_of("A port.\n\nTwo."))
    editor, article = staff("Editor"), {"en": english, "es": spanish}[language]
    save(editor, english, **{"sections-0-body": "A port.\r\n\r\nTwo again."})
    on_the_site(english)
    save(editor, article, title="Newer", sources="A *book*", **new_note(article, location, "Ring."))
    press(editor, "send-to-review", article)
    reviewed(article)
    before = everything()
    preview = main_of(editor.get(page_of(article, "preview")))
    assert everything() == before
    change_status(article, ArticleStatus.PUBLISHED)
    page = main_of(client.get(f"{prefix}/patient-information/knee/"))
    assert preview == page
    assert ("<h1>Newer</h1>" in page, page.count('class="stale"')) == (True, stale)


@pytest.mark.parametrize(
    ("language", "prefix", "sentence"),
    [
        ("en", "", "Preview of the text as it was last saved (draft). Visitors do not see this page."),
        (
            "es",
            "/es",
            "Vista previa del texto como se guardó la última vez (borrador). Los visitantes no ven esta página.",
        ),
    ],
)
def test_preview_says_that_it_is_one_and_is_nowhere_on_the_site(staff, client, language, prefix, sentence):
    topic = TopicFactory(slug="knee")
    article = ArticleFactory(topic=topic, language=language, status=ArticleStatus.DRAFT, is_sample=False)
    page = staff("Editor").get(page_of(article, "preview")).text
    note = re.search(r'<p class="note note-warm" role="status">(.*?) <a href="(.*?)">', page)
    assert note.groups() == (sentence, change_address(article))
    assert 'rel="canonical"' not in page
    assert client.get(f"{prefix}/patient-information/knee/").status_code == 404


def test_preview_shows_the_code_of_the_sample_bill_line(staff, client):
    article = ArticleFactory(topic=TopicFactory(slug="knee", codes=["73721"], sample_charge_cents=64_000))
    preview = main_of(staff("Editor").get(page_of(article, "preview")))
    assert preview == main_of(client.get("/patient-information/knee/"))


@pytest.mark.parametrize("field", ["copyright", "licence"])
def test_publishing_takes_the_line_that_was_saved(staff, client, field):
    article = on_the_site(ArticleFactory(topic=TopicFactory(slug="knee")))
    administrator = staff("Administrator")
    save(administrator, article, **{field: "Newer line"})
    preview = main_of(administrator.get(page_of(article, "preview")))
    for act in ("send-to-review", "publish"):
        press(administrator, act, article)
    assert preview == main_of(client.get("/patient-information/knee/"))


def cells(page):
    """The rows of the list of editions, without the moments of saving."""
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", page.text, re.DOTALL)
    found = [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.split(r"</t[hd]>", row)] for row in rows]
    return [[number, *rest] for number, _saved, *rest, _end in found]


def test_editions_are_listed_with_who_wrote_and_what_became_of_them(staff):
    with time_machine.travel(NOON, tick=False):
        article = ArticleFactory(title="Knee")
        editor = staff("Editor", name="Eve")
        save(editor, article, **{"sections-0-body": HARD}, grade_reason="It names the drugs.")
        on_the_site(article)
        save(editor, article, summary="Newer.")
        page = editor.get(page_of(article, "editions"))
    hard = grade(HARD)
    assert cells(page) == [
        ["3", "Eve", str(grade_of(["Newer.", HARD], "en")), "–", "–", ""],
        ["2", "Eve", f"{hard} (It names the drugs.)", "now, since May 1, 2026", "Ann Lee, MD, Jan. 1, 2026", ""],
        ["1", "–", "0.0", "May 1, 2026 – May 1, 2026", "sample text", "Imported"],
    ]


def changes_in(response, name):
    return [
        (section.title, [(change.was, change.now) for change in section.changes]) for section in response.context[name]
    ]


def test_edition_shows_what_changed_before_and_after_it(staff):
    article = ArticleFactory(title="Knee", sections={BASIC: "One.\n\nTwo.", SectionKind.RISKS: "Few."})
    location = LocationFactory(slug="north", name="North Street")
    client = staff("Editor")
    save(client, article, **{"sections-0-body": "One.\r\n\r\nNew."}, **new_note(article, location, "Ring."))
    save(client, article, title="Knees", **{"sections-1-DELETE": "on"})
    pages = {number: client.get(page_of(article, "edition", number)) for number in (1, 2, 3)}
    second = [
        ("Basic facts", [("<p>Two.</p>\n", "<p>New.</p>\n")]),
        ("North Street", [("", "<p>Ring.</p>\n")]),
    ]
    third = [("", [("<p>Knee</p>\n", "<p>Knees</p>\n")]), ("Risks", [("<p>Few.</p>\n", "")])]
    assert {number: changes_in(page, "changes") for number, page in pages.items()} == {1: [], 2: second, 3: third}
    assert {number: changes_in(page, "since") for number, page in pages.items()} == {
        1: [third[0], second[0], third[1], second[1]],
        2: third,
        3: [],
    }
    restoring = f'action="{page_of(article, "restore", 1)}"'
    assert [restoring.replace("/1/", f"/{number}/") in page.text for number, page in pages.items()] == [
        True,
        True,
        False,
    ]
    assert re.findall(r"<(del|ins)>\s*<p>(.*?)</p>\s*</\1>", pages[3].text) == [
        ("del", "Knee"),
        ("ins", "Knees"),
        ("del", "Few."),
    ]
    assert client.get(page_of(article, "edition", 4)).status_code == 404


@pytest.mark.parametrize("field", ["sources", "also_called"])
def test_edition_shows_that_the_rest_of_the_text_changed(staff, field):
    article = ArticleFactory()
    client = staff("Editor")
    save(client, article, **{field: "Newer"})
    assert len(changes_in(client.get(page_of(article, "edition", 2)), "changes")) == 1


def text_in(article):
    """All that restoring brings back."""
    return (
        (article.title, article.summary, article.also_called, article.sources),
        sorted(article.sections.values_list("kind", "body", "translated_from")),
        list(article.local_notes.values_list("location__slug", "body")),
    )


@pytest.mark.parametrize("role", INSIDE)
def test_restoring_brings_the_whole_text_back(staff, client, role):
    english = ArticleFactory(topic=TopicFactory(slug="knee"), sections={BASIC: "One."})
    article = ArticleFactory(
        topic=english.topic, language="es", title="Rodilla", also_called="la rodilla", sections={BASIC: "Uno."}
    )
    editor = staff("Editor")
    north, south = LocationFactory(slug="north"), LocationFactory(slug="south")
    save(editor, article, sources="Un libro", **{"sections-0-body": "Un."}, **new_note(article, north, "Toque."))
    on_the_site(article)
    before = text_in(article)
    save(editor, english, **{"sections-0-body": "Two."})
    on_the_site(english)
    changes = {
        "title": "Otra",
        "summary": "Otra.",
        "also_called": "",
        "sources": "",
        "sections-0-body": "Dos.",
        "sections-1-kind": SectionKind.RISKS,
        "sections-1-body": "Pocos.",
        "sections-1-article": article.pk,
        "sections-1-id": "",
        "sections-TOTAL_FORMS": 2,
        "local_notes-0-location": south.pk,
        "local_notes-0-body": "Espere.",
    }
    assert save(editor, article, **changes)[-1:] == ["success"]
    assert text_in(article) != before
    page, edition = main_of(client.get("/es/patient-information/knee/")), live(article)
    LogEntry.objects.all().delete()
    response = staff(role, name="Ann").post(page_of(article, "restore", 2), follow=True)
    assert said(response) == [("info", "The text of edition 2 is back. Nothing on the site has changed.")]
    article.refresh_from_db()
    assert text_in(article) == before
    assert before[1] == [("basic facts", "Un.", digests_of("One."))]
    newest = article.editions.first()
    assert (newest.number, newest.made_by.name, newest.note, newest.digest) == (
        4,
        "Ann",
        "Restored edition 2",
        edition.digest,
    )
    assert (main_of(client.get("/es/patient-information/knee/")), live(article)) == (page, edition)
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == ["Restored edition 2."]


def test_restoring_is_done_by_post_only_and_of_its_own_editions(staff):
    article, other = ArticleFactory(status=ArticleStatus.DRAFT), ArticleFactory()
    client = staff("Administrator")
    save(client, article, title="Newer")
    before = everything()
    responses = [
        client.get(page_of(article, "restore", 1)),
        client.post(page_of(article, "restore", 3)),
        client.post(page_of(other, "restore", 2)),
    ]
    assert [response.status_code for response in responses] == [405, 404, 404]
    assert everything() == before


def test_restoring_the_words_that_are_on_the_site_changes_no_mark_there(staff, client):
    english = ArticleFactory(topic=TopicFactory(slug="knee"), sections={BASIC: "One."})
    article = ArticleFactory(topic=english.topic, language="es", sections={BASIC: "Uno."})
    article.sections.update(translated_from=digests_of("One."))
    editor = staff("Editor")
    for body in ("Un.", "Dos.", "Un."):
        save(editor, article, **{"sections-0-body": body})
        on_the_site(article)
    save(editor, english, **{"sections-0-body": "New."})
    on_the_site(english)
    press(editor, "confirm-translation", article, same="on")
    before = main_of(client.get("/es/patient-information/knee/"))
    editor.post(page_of(article, "restore", 2))
    assert main_of(client.get("/es/patient-information/knee/")) == before


# ---- Translations ---------------------------------------------------------------------------------------------------


@pytest.fixture
def pair():
    """An English article of three paragraphs and its translation, both on the site; then two English ones change."""
    english = ArticleFactory(topic=TopicFactory(slug="knee"), title="Knee", sections={BASIC: "One.\n\nTwo.\n\nThree."})
    spanish = ArticleFactory(
        topic=english.topic, language="es", title="Rodilla", sections={BASIC: "Uno.\n\nDos.\n\nTres."}
    )
    spanish.sections.update(translated_from=digests_of("One.\n\nTwo.\n\nThree."))
    on_the_site(spanish)
    english.sections.update(body="One.\n\nTwo again.\n\nThree again.")
    on_the_site(english)
    spanish.refresh_from_db()
    return english, spanish


def waiting(client):
    """The queue of translations: {title: paragraphs}."""
    page = client.get(LIST, {"needs": "translation"})
    return {article.title: article.stale_blocks for article in page.context["cl"].result_list}


def test_rewriting_a_paragraph_takes_its_mark_off_and_leaves_the_others(staff, client, pair):
    _english, spanish = pair
    editor = staff("Editor")
    found = [waiting(editor)]
    save(editor, spanish, **{"sections-0-body": "Uno.\r\n\r\nDos otra vez.\r\n\r\nTres."})
    one, _two, three = digests_of("One.\n\nTwo.\n\nThree.")
    assert spanish.sections.get().translated_from == [one, digests_of("Two again.")[0], three]
    found.append(waiting(editor))
    on_the_site(spanish)
    found.append(waiting(editor))
    save(editor, spanish, **{"sections-0-body": "Uno.\r\n\r\nDos otra vez.\r\n\r\nTres otra vez."})
    on_the_site(spanish)
    found.append(waiting(editor))
    assert found == [{"Rodilla": 2}, {"Rodilla": 2}, {"Rodilla": 1}, {}]


def test_saving_a_translation_unchanged_takes_no_mark_off(staff, pair):
    _english, spanish = pair
    before = everything()[1:]
    save(staff("Editor"), spanish, **{"sections-0-body": "Uno.\r\n\r\nDos.\r\n\r\nTres."})
    on_the_site(spanish)
    assert (spanish.stale_blocks, spanish.sections.get().translated_from) == (
        2,
        before[1][1]["translated_from"],
    )


def test_new_translation_counts_as_made_from_the_english_on_the_site(staff):
    english = ArticleFactory(sections={BASIC: "One.\n\nTwo."})
    editor = staff("Editor")
    save(editor, english, **{"sections-0-body": "Not yet.\r\n\r\nTrue."})
    spanish = ArticleFactory(topic=english.topic, language="es", status=ArticleStatus.DRAFT)
    save(editor, spanish, **{"sections-0-body": "Uno.\r\n\r\nDos.\r\n\r\nNuestro."})
    assert spanish.sections.get().translated_from == [*digests_of("One.\n\nTwo."), ""]


@pytest.mark.parametrize("role", INSIDE)
def test_translation_is_confirmed_as_it_stands(staff, client, pair, role):
    _english, spanish = pair
    member = staff(role)
    labels = [str(act["label"]) for act in member.get(change_address(spanish)).context["acts"]]
    edition = live(spanish)
    refused = press(member, "confirm-translation", spanish)
    assert refusals_of(refused) == {"same": ["Tick this when it is so; otherwise correct the text first."]}
    assert waiting(member) == {"Rodilla": 2}
    done = press(member, "confirm-translation", spanish, same="on")
    assert said(done) == [("success", "The translation counts as up to date.")]
    assert (labels[-1], waiting(member), live(spanish)) == ("Translation is up to date", {}, edition)
    assert 'class="stale"' not in client.get("/es/patient-information/knee/").text
    again = [str(act["label"]) for act in member.get(change_address(spanish)).context["acts"]]
    assert again == labels[:-1]


def test_confirmed_translation_leaves_the_queue_though_a_section_is_missing(staff):
    english = ArticleFactory(sections={BASIC: "One.", SectionKind.WHY: "Why."})
    spanish = ArticleFactory(topic=english.topic, language="es", sections={BASIC: "Uno."})
    editor = staff("Editor")
    assert said(press(editor, "confirm-translation", spanish, same="on")) == [
        ("success", "The translation counts as up to date.")
    ]
    assert waiting(editor) == {}


# ---- How it reads ---------------------------------------------------------------------------------------------------


def check(client, *texts, language="en"):
    return client.post(CHECK, {"language": language, "texts": texts}, content_type="application/json")


@pytest.mark.parametrize("role", INSIDE)
def test_check_tells_how_a_text_reads(staff, role):
    make_term("ablation", en="Ablation")
    found = check(staff(role), "What it is.", "Ablation of the **abdomen**.\n\n[x](/nowhere/)")
    assert (found.headers["Content-Type"], found.json()) == (
        "application/json",
        {
            "grade": grade_of(["What it is.", "Ablation of the abdomen.\n\nx"], "en"),
            "level": "good",
            "verdict": "Good.",
            "words": 8,
            "hard": ["ablation", "abdomen"],
            "unexplained": ["abdomen"],
            "links": ["/nowhere/: there is no such page on this site."],
        },
    )


@pytest.mark.parametrize(
    ("text", "language", "level", "verdict", "hard"),
    [
        ("", "en", "good", "Nothing is written yet.", []),
        ("The facts.", "en", "good", "Good.", []),
        (f"What it is.\n\n{WARM}", "en", "warm", "Hard: aim at grade 8 or below.", ["examination"]),
        ("Es una ultrasonografía. No duele nada.", "es", "good", "Good.", ["ultrasonografía"]),
        ("The facts.", "fr", "good", "Good.", []),
    ],
)
def test_check_knows_the_language(staff, text, language, level, verdict, hard):
    found = check(staff("Editor"), text, language=language).json()
    assert (found["level"], found["verdict"], found["hard"]) == (level, verdict, hard)


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "{}", '{"language": "en"}', '{"texts": ["a"]}', '{"language": "en", "texts": 1}', b"\xff"],
)
def test_check_refuses_what_is_not_its_json(staff, body):
    response = staff("Editor").post(CHECK, body, content_type="application/json")
    assert (response.status_code, response.content) == (400, b"")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("[" * 100_000, "application/json"), ("--x\r\n\r\n--x--\r\n", "multipart/form-data; boundary=x")],
    ids=["deep", "form"],
)
def test_check_refuses_what_no_browser_sends(staff, body, content_type):
    client = staff("Editor")
    client.raise_request_exception = False
    assert client.post(CHECK, body, content_type=content_type).status_code == 400


def test_check_is_asked_by_post_only(staff):
    assert staff("Editor").get(CHECK).status_code == 405


NO_PAGE = "there is no such page on this site."
NOT_ON_THE_SITE = "this page is not on the site."


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("/patient-information/knee/", None),
        ("/es/patient-information/knee/", None),
        ("/patient-information/knee/#risks", None),
        ("http://testserver/patient-information/knee/", "is not encrypted; use https."),
        ("/patient-information/hip/", NOT_ON_THE_SITE),
        ("/es/patient-information/hip/", NOT_ON_THE_SITE),
        ("/patient-information/none/", NOT_ON_THE_SITE),
        ("/glossary/port/", None),
        ("/glossary/none/", NOT_ON_THE_SITE),
        ("/physicians/ann/", None),
        ("/physicians/gone/", NOT_ON_THE_SITE),
        ("/locations/", None),
        ("/nowhere/", NO_PAGE),
        ("nowhere", NO_PAGE),
        ("#risks", None),
        ("mailto:a@example.com", None),
        ("tel:+15745550100", None),
        ("https://example.com/", None),
        ("http://example.com/", "is not encrypted; use https."),
        ("ftp://example.com/", "is no address a page may lead to."),
        ("//example.com/patient-information/nowhere/", None),
    ],
)
def test_check_looks_where_links_lead(staff, address, problem):
    ArticleFactory(topic=TopicFactory(slug="knee"))
    ArticleFactory(topic=TopicFactory(slug="hip"), status=ArticleStatus.IN_REVIEW)
    make_term("port", en="Port")
    PhysicianFactory(slug="ann")
    PhysicianFactory(slug="gone", is_practising=False)
    found = check(staff("Editor"), f"See [there]({address}).").json()["links"]
    assert [line.split(": ", 1)[1] for line in found] == [problem] * (problem is not None)


def test_check_knows_the_own_site_by_its_whole_address(staff, settings):
    settings.PUBLIC_ORIGIN = "https://rad.example"
    texts = [f"[x](https://{host}/nowhere/)" for host in ("rad.example", "rad.example.com")]
    found = check(staff("Editor"), *texts).json()["links"]
    assert found == [f"https://rad.example/nowhere/: {NO_PAGE}"]


def test_check_says_that_pictures_are_not_shown(staff):
    found = check(staff("Editor"), "![A knee](/knee.png)", "Text.").json()["links"]
    assert found == ["A picture in the text is not shown. Choose an illustration at the topic instead."]


# ---- Topics ---------------------------------------------------------------------------------------------------------


def topic_form(topic, *codes, sample_charge=""):
    """What the browser sends for a topic with these codes: a text, or {field: value}."""
    present = list(topic.procedure_codes.all())
    form = {
        "slug": topic.slug,
        "kind": topic.kind,
        "body_region": topic.body_region,
        "modality": topic.modality,
        "sample_charge_cents": sample_charge,
        "procedure_codes-TOTAL_FORMS": len(codes),
        "procedure_codes-INITIAL_FORMS": len(present),
        "reference_codes-TOTAL_FORMS": 0,
        "reference_codes-INITIAL_FORMS": 0,
        "articles-TOTAL_FORMS": 0,
        "articles-INITIAL_FORMS": 0,
    }
    for number, facts in enumerate(codes):
        known = number < len(present)
        full = {
            "id": present[number].pk if known else "",
            "topic": topic.pk,
            "code": present[number].code if known else "",
        } | (facts if isinstance(facts, dict) else {"code": facts})
        form |= {f"procedure_codes-{number}-{field}": value for field, value in full.items()}
    return form


def codes_of(topic):
    return [row.code for row in topic.procedure_codes.all()]


def test_editor_writes_codes_and_a_sample_charge(staff):
    topic = TopicFactory(codes=["71046", "71045"])
    form = topic_form(topic, {"DELETE": "on"}, "71047", " g0279 ", "71048 26", sample_charge="$1,240.5")
    response = staff("Editor").post(change_address(topic), form, follow=True)
    assert [kind for kind, _text in said(response)] == ["success"]
    topic.refresh_from_db()
    assert (codes_of(topic), topic.sample_charge_cents) == (["71047", "G0279", "71048 26"], 124_050)


def test_topic_page_shows_the_sample_charge_in_dollars_and_takes_it_away(staff):
    topic = TopicFactory(sample_charge_cents=124_050)
    client = staff("Editor")
    box = client.get(change_address(topic)).context["adminform"].form["sample_charge_cents"]
    assert (box.label, box.value()) == ("Sample charge", "1240.50")
    client.post(change_address(topic), topic_form(topic))
    topic.refresh_from_db()
    assert topic.sample_charge_cents is None


RULE = "A code has letters and digits, with single spaces, dots or hyphens between."


@pytest.mark.parametrize(
    ("codes", "charge", "errors"),
    [
        (["77067"], "", ["This code already belongs to a topic."]),
        ([" 77067 "], "", ["This code already belongs to a topic."]),
        (["71046/26"], "", [RULE]),
        (["７１０４６"], "", [RULE]),
        (["7" * 21], "", ["Ensure this value has at most 20 characters (it has 21)."]),
        (["ß" * 20], "", ["Ensure this value has at most 20 characters (it has 40)."]),
        (["71046"], "about 90", ["Enter an amount in dollars and cents, like 25.00."]),
        (["71046"], "-90", ["Enter an amount in dollars and cents, like 25.00."]),
    ],
)
def test_topic_form_says_what_is_wrong(staff, codes, charge, errors):
    TopicFactory(codes=["77067"])
    topic = TopicFactory()
    response = staff("Editor").post(change_address(topic), topic_form(topic, *codes, sample_charge=charge))
    assert response.status_code == 200
    assert errors_of(response) == errors
    assert (codes_of(topic), Topic.objects.filter(sample_charge_cents=None).count()) == ([], 2)


def test_topic_form_takes_a_code_once(staff):
    topic = TopicFactory()
    response = staff("Editor").post(change_address(topic), topic_form(topic, "G0279", "g0279 "))
    formset = response.context["inline_admin_formsets"][0].formset
    assert formset.non_form_errors() == ["Please correct the duplicate data for code."]
    assert codes_of(topic) == []


@pytest.mark.parametrize(
    ("role", "status", "codes"),
    [
        ("Editor", 302, ["71046", "71045"]),
        ("Administrator", 302, ["71046", "71045"]),
        ("Clinical reviewer", 403, ["71046"]),
        ("Billing lead", 403, ["71046"]),
    ],
)
def test_who_writes_codes(staff, role, status, codes):
    topic = TopicFactory(codes=["71046"])
    response = staff(role).post(change_address(topic), topic_form(topic, {}, "71045"))
    assert (response.status_code, codes_of(topic)) == (status, codes)


def test_clinical_reviewer_reads_codes(staff):
    topic = TopicFactory(codes=["71046"], sample_charge_cents=64_000)
    page = staff("Clinical reviewer").get(change_address(topic))
    assert re.findall(r'<td class="field-code">\s*<p>(.*?)</p>', page.text) == ["71046"]


def test_list_of_topics_is_searched_by_code(staff):
    TopicFactory(slug="chest", codes=["71046", "71045"])
    TopicFactory(slug="breast", codes=["77067"])
    page = staff("Editor").get(reverse("admin:education_topic_changelist"), {"q": "7104"})
    assert [topic.slug for topic in page.context["cl"].result_list] == ["chest"]
    assert ProcedureCode.objects.count() == 3


# ---- Illustrations --------------------------------------------------------------------------------------------------

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
KNOWN = "known: circle, ellipse, g, line, path, polygon, polyline, rect"


def drawing_form(drawing):
    return {"slug": "knee", "drawing": drawing, "alt": "A knee", "alt_es": "Una rodilla"}


def test_drawing_is_kept_in_our_own_writing_and_shown(staff, client):
    drawn = f'<?xml version="1.0"?>\r\n{SVG}<!-- mine -->\r\n<path d="M0 0\r\n h24" fill="none"/>\r\n</svg>'
    editor = staff("Editor")
    response = editor.post(reverse("admin:education_illustration_add"), drawing_form(drawn), follow=True)
    assert [kind for kind, _text in said(response)] == ["success"]
    kept = Illustration.objects.get()
    assert kept.drawing == f'{SVG}<path d="M0 0 h24" fill="none"/></svg>'
    shown = editor.get(change_address(kept)).text
    assert re.findall(r'<div class="picture">(.*?)</div>', shown) == [kept.drawing]
    ArticleFactory(topic=TopicFactory(slug="hip", illustration=kept))
    page = client.get("/patient-information/hip/").text
    assert re.findall(r'<figure [^>]*aria-label="(.*?)">(.*?)</figure>', page) == [("A knee", kept.drawing)]
    listed = editor.get(reverse("admin:education_illustration_changelist")).text
    assert re.findall(r'<td class="field-topics_shown">(.*?)</td>', listed) == ["hip"]


@pytest.mark.parametrize(
    ("inside", "problem"),
    [
        ("\n<script>alert(1)</script>", f"Line 2: <script> is not taken; {KNOWN}"),
        ("<path d='M0 0'/>\n\n<image href='/a.png'/>", f"Line 3: <image> is not taken; {KNOWN}"),
        ("<text>Knee</text>", f"Line 1: <text> is not taken; {KNOWN}"),
        ("<a href='/'><path d='M0 0'/></a>", f"Line 1: <a> is not taken; {KNOWN}"),
        ("<path onload='alert(1)' d='M0 0'/>", "Line 1: the attribute onload is not taken"),
        ("<path style='fill:red' d='M0 0'/>", "Line 1: the attribute style is not taken"),
        ("\n<path fill='#0b5563' d='M0 0'/>", "Line 2: fill is currentColor or none, not #0b5563"),
        ("<g stroke='red'><path d='M0 0'/></g>", "Line 1: stroke is currentColor or none, not red"),
        ("<path d='url(#a)'/>", "Line 1: d has a value that is no number or shape"),
        ("<g>Bend the knee.</g>", "Line 1: a drawing has no text of its own"),
        ("<path d='M0 0'/>Bend the knee.", "Line 1: a drawing has no text of its own"),
        ("Bend the knee.<path d='M0 0'/>", "Line 1: a drawing has no text of its own"),
        (
            "<title xml:lang='en'>A knee</title>Bend the knee.<path d='M0 0'/>",
            "Line 1: a drawing has no text of its own",
        ),
        ("", "Line 1: the drawing is empty"),
        ("<!DOCTYPE svg>", "Line 1: a drawing has no DOCTYPE, entities or CDATA"),
        ("<path d='" + "M0 0 " * 4000 + "'/>", "Line 1: a drawing has at most 20,000 characters"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_drawing_that_is_not_plain_is_refused_and_what_was_typed_stays(staff, is_new, inside, problem):
    if not is_new:
        old = Illustration.objects.create(slug="old", drawing=f"{SVG}<g/></svg>", alt="Old", alt_es="Viejo")
    before = list(Illustration.objects.values())
    address = reverse("admin:education_illustration_add") if is_new else change_address(old)
    typed = drawing_form(f"{SVG}{inside}</svg>")
    response = staff("Editor").post(address, typed)
    assert (response.status_code, list(Illustration.objects.values())) == (200, before)
    assert errors_of(response) == [f"{problem}. Nothing was saved."]
    form = response.context["adminform"].form
    assert {name: form[name].value() for name in typed} == typed


@pytest.mark.parametrize(
    ("role", "statuses"),
    [("Editor", [200, 200, 200]), ("Administrator", [200, 200, 200]), ("Clinical reviewer", [200, 200, 403])]
    + [(role, [403, 403, 403]) for role in OUTSIDE],
)
def test_who_draws(staff, role, statuses):
    drawing = Illustration.objects.create(slug="knee", drawing=f"{SVG}<g/></svg>", alt="A", alt_es="B")
    client = staff(role)
    addresses = [reverse(f"admin:education_illustration_{name}") for name in ("changelist", "add")]
    addresses.insert(1, change_address(drawing))
    assert [client.get(address).status_code for address in addresses] == statuses
    assert client.post(reverse("admin:education_illustration_delete", args=[drawing.pk])).status_code == 403


# ---- Words ----------------------------------------------------------------------------------------------------------


def term_form(term, *entries):
    """What the browser sends for a term with these entries, each {field: value}."""
    present = list(term.entries.order_by("pk")) if term else []
    form = {
        "slug": term.slug if term else "port",
        "is_explained_in_text": "on",
        "entries-TOTAL_FORMS": len(entries),
        "entries-INITIAL_FORMS": len(present),
    }
    for number, facts in enumerate(entries):
        known = number < len(present)
        full = {
            "id": present[number].pk if known else "",
            "term": term.pk if known else "",
            "language": present[number].language if known else "en",
            "name": present[number].name if known else "",
            "pronunciation": "",
            "definition": "A meaning.",
            "synonyms": "",
        } | facts
        form |= {f"entries-{number}-{field}": value for field, value in full.items()}
    return form


def names(language):
    found = Name.objects.filter(entry__language=language).order_by("pk")
    return list(found.values_list("text", "key", "is_synonym"))


def test_new_term_is_saved_with_its_synonyms(staff):
    form = term_form(
        None,
        {"name": "Port", "synonyms": " Chest port \r\n\r\nPort\r\nChest port"},
        {"language": "es", "name": "Catéter"},
    )
    response = staff("Editor").post(reverse("admin:education_term_add"), form, follow=True)
    assert [kind for kind, _text in said(response)] == ["success"]
    assert names("en") == [("Port", "port", False), ("Chest port", "chest port", True)]
    assert names("es") == [("Catéter", "cateter", False)]


def test_term_is_renamed_with_its_synonyms(staff):
    term = make_term("port", en="Port", es="Puerto", synonyms=["old one"])
    form = term_form(term, {"name": "Ports", "synonyms": "new one"}, {"synonyms": "old one"})
    staff("Editor").post(change_address(term), form)
    assert names("en") == [("Ports", "ports", False), ("new one", "new one", True)]
    assert names("es") == [("Puerto", "puerto", False), ("old one", "old one", True)]


def test_entry_is_deleted_with_its_names(staff):
    term = make_term("port", en="Port", es="Puerto", synonyms=["other"])
    form = term_form(term, {"synonyms": "other"}, {"DELETE": "on"})
    staff("Editor").post(change_address(term), form)
    assert (names("en"), names("es")) == ([("Port", "port", False), ("other", "other", True)], [])


def test_synonym_that_is_too_long_is_refused(staff):
    term = make_term("port", en="Port", synonyms=["other"])
    response = staff("Editor").post(change_address(term), term_form(term, {"synonyms": "x" * 201}))
    assert errors_of(response) == ["A synonym has at most 200 letters."]
    assert names("en") == [("Port", "port", False), ("other", "other", True)]


def test_list_of_terms_shows_words_and_is_searched_by_any_name(staff):
    make_term("port", en="Port", es="Puerto", synonyms=["mediport"])
    make_term("vein", en="Vein")
    client = staff("Editor")
    page = client.get(reverse("admin:education_term_changelist"), {"q": "mediport"})
    assert re.findall(r'<td class="field-words">(.*?)</td>', page.text) == ["Port / Puerto"]


@pytest.mark.parametrize(("model", "queries"), [("topic", 12), ("article", 12), ("illustration", 13), ("term", 14)])
@pytest.mark.parametrize("count", [1, 3])
def test_lists_of_the_admin_do_not_ask_more_for_more_rows(staff, django_assert_num_queries, model, queries, count):
    for number in range(count):
        drawing = Illustration.objects.create(slug=f"drawing-{number}", drawing="<svg></svg>", alt="A", alt_es="B")
        ArticleFactory(reviewer=PhysicianFactory(), topic__illustration=drawing)
        make_term(f"term-{number}", en=f"Term {number}", es=f"Palabra {number}")
    client, address = staff("Editor"), reverse(f"admin:education_{model}_changelist")
    client.get(address)  # from now on the content types are known
    with django_assert_num_queries(queries):
        page = client.get(address)
    assert page.context["cl"].result_count == count


def explained(client, path="/patient-information/knee/"):
    """The words with a meaning behind them on a page: (as it stands there, the term's address)."""
    return [(text, slug) for slug, text in re.findall(r'popovertarget="w-([a-z-]+)">([^<]+)<', client.get(path).text)]


def test_pages_explain_a_new_word_when_the_job_has_run(staff, client, run_jobs):
    article = ArticleFactory(topic=TopicFactory(slug="knee"), sections={BASIC: "Ports and a vein."})
    ArticleFactory(topic=article.topic, language="es", sections={BASIC: "Puertos."})
    editor, edition = staff("Editor"), live(article)
    form = term_form(None, {"name": "Port"}, {"language": "es", "name": "Puerto"})
    editor.post(reverse("admin:education_term_add"), form)
    found = [explained(client), explained(client, "/es/patient-information/knee/")]
    run_jobs()
    found += [explained(client), explained(client, "/es/patient-information/knee/")]
    assert found == [[], [], [("Ports", "port")], [("Puertos", "port")]]
    term = Term.objects.get()
    editor.post(change_address(term), term_form(term, {"name": "Vein"}, {}))
    run_jobs()
    assert explained(client) == [("vein", "port")]
    editor.post(reverse("admin:education_term_delete", args=[term.pk]), {"post": "yes"})
    run_jobs()
    assert (explained(client), live(article)) == ([], edition)


def test_pages_lose_the_words_deleted_from_the_list_or_no_longer_explained(staff, client, run_jobs):
    terms = [make_term("port", en="Port"), make_term("vein", en="Vein"), make_term("artery", en="Artery")]
    ArticleFactory(topic=TopicFactory(slug="knee"), sections={BASIC: "A port, a vein, an artery."})
    editor = staff("Editor")
    found = [explained(client)]
    chosen = {"action": "delete_selected", "_selected_action": [terms[0].pk], "post": "yes"}
    editor.post(reverse("admin:education_term_changelist"), chosen)
    run_jobs()
    found.append(explained(client))
    form = term_form(terms[1], {}) | {"is_explained_in_text": ""}
    editor.post(change_address(terms[1]), form)
    run_jobs()
    found.append(explained(client))
    assert [[slug for _text, slug in words] for words in found] == [
        ["port", "vein", "artery"],
        ["vein", "artery"],
        ["artery"],
    ]


@pytest.mark.parametrize(
    ("entries", "errors"),
    [
        ([{"name": ""}], ["This field is required."]),
        ([{"name": "Port", "definition": ""}], ["This field is required."]),
        ([{"name": "Port", "language": "fr"}], ["Select a valid choice. fr is not one of the available choices."]),
    ],
)
def test_term_form_says_what_is_wrong(staff, entries, errors):
    response = staff("Editor").post(reverse("admin:education_term_add"), term_form(None, *entries))
    assert (errors_of(response), Term.objects.count()) == (errors, 0)


def test_hard_words_are_listed_by_how_many_articles_have_them(staff):
    ArticleFactory(sections={BASIC: "Ablation of the abdomen."})
    ArticleFactory(sections={BASIC: "The abdomen. Contrast."})
    ArticleFactory(sections={BASIC: "Embolization."}, status=ArticleStatus.DRAFT)
    ArticleFactory(language="es", sections={BASIC: "La ultrasonografía."})
    make_term("contrast", en="Contrast")
    address, found = reverse("admin:education_term_hard_words"), {}
    for role in (*INSIDE, None):
        page = staff(role).get(address) if role else who_only_views().get(address)
        rows = re.findall(r'<h2>(.*?)</h2>|<th scope="row">(.*?)</th><td>(\d+)</td>', page.text)
        found[role] = (rows, reverse("admin:education_term_add") in page.text)
    words = [
        ("English", "", ""),
        ("", "abdomen", "2"),
        ("", "ablation", "1"),
        ("Spanish", "", ""),
        ("", "ultrasonografía", "1"),
    ]
    assert found == {
        "Editor": (words, True),
        "Clinical reviewer": (words, False),
        "Administrator": (words, True),
        None: (words, False),
    }


@pytest.mark.parametrize("role", OUTSIDE)
def test_hard_words_are_closed_to_other_roles(staff, role):
    assert staff(role).get(reverse("admin:education_term_hard_words")).status_code == 403
