import re
from datetime import date

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from education.models import Article, ArticleStatus, Name, ProcedureCode, Section, SectionKind, Term, Topic
from education.packs.loading import import_pack
from education.packs.writing import current_files
from tests.factories import ArticleFactory, PhysicianFactory, TopicFactory, make_term

pytestmark = pytest.mark.usefixtures("identity")


def change_address(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def said(response):
    """The messages of the page the answer leads to."""
    found = re.search(r'<ul class="messagelist">(.*?)</ul>', response.text, re.DOTALL)
    return re.findall(r'<li class="(\w+)">(.*?)</li>', found.group(1), re.DOTALL) if found else []


def errors_of(response):
    return [str(error) for errors in response.context["errors"] for error in errors]


def article_form(article, **changes):
    """What the browser sends when somebody presses Save on an article's page."""
    sections = sorted(article.sections.all(), key=lambda section: section.position)
    form = {
        "topic": article.topic_id,
        "language": article.language,
        "title": article.title,
        "summary": article.summary,
        "also_called": article.also_called,
        "sources": article.sources,
        "copyright": article.copyright,
        "licence": article.licence,
        "is_sample": "on" if article.is_sample else "",
        "reviewer": article.reviewer_id or "",
        "reviewed_on": article.reviewed_on or "",
        "next_review_on": article.next_review_on or "",
        "sections-TOTAL_FORMS": len(sections),
        "sections-INITIAL_FORMS": len(sections),
    }
    for number, section in enumerate(sections):
        form |= {
            f"sections-{number}-id": section.pk,
            f"sections-{number}-article": article.pk,
            f"sections-{number}-kind": section.kind,
            f"sections-{number}-body": section.body,
        }
    form |= changes
    return {name: value for name, value in form.items() if name != "is_sample" or value}


def act(client, action, *articles):
    data = {"action": action, "_selected_action": [article.pk for article in articles]}
    return client.post(reverse("admin:education_article_changelist"), data, follow=True)


# ---- Articles -------------------------------------------------------------------------------------------------------


def test_editor_edits_an_article(staff):
    article = ArticleFactory(sections={SectionKind.RISKS: "Few.", SectionKind.BASIC_FACTS: "The facts."})
    client = staff("Editor")
    page = client.get(change_address(article))
    assert [form.instance.kind for form in page.context["inline_admin_formsets"][0].formset.initial_forms] == [
        SectionKind.BASIC_FACTS,
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
        "status": ArticleStatus.DRAFT,  # not on the form: it moves by actions only
    }
    response = client.post(change_address(article), article_form(article, **changes), follow=True)
    assert [kind for kind, _text in said(response)] == ["success"]
    article.refresh_from_db()
    assert (article.title, article.sort_key, article.other_names) == ("Newer title", "newer title", ["one", "two"])
    assert article.status == ArticleStatus.PUBLISHED
    assert {section.kind: section.body for section in article.sections.all()} == {
        SectionKind.BASIC_FACTS: "Newer facts.\r\n\r\nMore.",
        SectionKind.WHY: "Because.",
    }


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
        "sections-0-kind": SectionKind.BASIC_FACTS,
        "sections-0-body": "Lo básico.",
    }
    response = staff("Editor").post(reverse("admin:education_article_add"), form, follow=True)
    assert [kind for kind, _text in said(response)] == ["success"]
    assert list(Article.objects.values_list("title", "language", "status", "sections__body")) == [
        ("Rodilla", "es", "draft", "Lo básico.")
    ]


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
    before = current_files()
    client = staff("Editor")
    for row in (Topic.objects.get(), Article.objects.get(), Term.objects.get()):
        page = client.get(change_address(row))
        formsets = [inline.formset for inline in page.context["inline_admin_formsets"]]
        forms = [page.context["adminform"].form, *(form for formset in formsets for form in formset.forms)]
        sent = {bound.html_name: bound.value() or "" for form in forms for bound in form}
        sent |= {bound.html_name: bound.value() for formset in formsets for bound in formset.management_form}
        as_browsers_send = {
            name: str(value).replace("\n", "\r\n") for name, value in sent.items() if value is not False
        }
        response = client.post(change_address(row), as_browsers_send, follow=True)
        assert [kind for kind, _text in said(response)] == ["success"]
    assert current_files() == before


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"is_sample": ""},
            "An article is published only after a physician's review: give the reviewer and both dates.",
        ),
        ({"reviewed_on": "2026-01-01"}, "Give the reviewer and both dates together, or none of them."),
        ({"next_review_on": "2026-01-01"}, "Give the reviewer and both dates together, or none of them."),
        ({"reviewed_on": "soon"}, "Enter a valid date."),
        ({"title": ""}, "This field is required."),
    ],
)
def test_article_form_says_what_is_wrong(staff, changes, error):
    article = ArticleFactory(title="Before")
    response = staff("Editor").post(change_address(article), article_form(article, **changes))
    assert response.status_code == 200
    assert errors_of(response) == [error]
    article.refresh_from_db()
    assert (article.title, article.is_sample, article.reviewed_on) == ("Before", True, None)


def test_article_form_wants_the_next_review_after_the_last(staff):
    article = ArticleFactory()
    review = {"reviewer": PhysicianFactory().pk, "reviewed_on": "2026-01-01", "next_review_on": "2026-01-01"}
    response = staff("Editor").post(change_address(article), article_form(article, **review))
    assert errors_of(response) == ["The next review must be after the last one."]


def test_article_form_takes_one_article_a_language(staff):
    english = ArticleFactory()
    spanish = ArticleFactory(topic=english.topic, language="es")
    response = staff("Editor").post(change_address(spanish), article_form(spanish, language="en"))
    assert errors_of(response) == ["This topic already has an article in this language."]


def test_clinical_reviewer_reviews_and_publishes(staff):
    physician = PhysicianFactory(name="Ann Lee")
    article = ArticleFactory(title="Knee", status=ArticleStatus.IN_REVIEW, is_sample=False)
    client = staff("Clinical reviewer")
    choices = client.get(
        reverse("admin:autocomplete"),
        {"app_label": "education", "model_name": "article", "field_name": "reviewer", "term": "ann"},
    )
    assert choices.json()["results"] == [{"id": str(physician.pk), "text": "Ann Lee, MD"}]
    review = {"reviewer": physician.pk, "reviewed_on": "2026-01-01", "next_review_on": "2027-01-01"}
    client.post(change_address(article), article_form(article, **review), follow=True)
    assert said(act(client, "publish", article)) == [("success", "Knee (en) is done.")]
    article.refresh_from_db()
    assert (article.status, article.reviewer, article.reviewed_on, article.next_review_on) == (
        ArticleStatus.PUBLISHED,
        physician,
        date(2026, 1, 1),
        date(2027, 1, 1),
    )
    assert LogEntry.objects.first().get_change_message() == "Became published."


def test_clinical_reviewer_adds_and_deletes_nothing(staff):
    article = ArticleFactory()
    client = staff("Clinical reviewer")
    added = client.post(reverse("admin:education_article_add"), article_form(article))
    form = article_form(article) | {"sections-0-DELETE": "on", "sections-0-body": "Corrected."}
    client.post(change_address(article), form)
    assert (added.status_code, Article.objects.count(), Section.objects.get().body) == (403, 1, "Corrected.")
    assert [
        client.post(address, {"slug": "mine"}).status_code
        for address in (
            reverse("admin:education_topic_add"),
            change_address(article.topic),
            change_address(make_term("a")),
        )
    ] == [403, 403, 403]


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
    page = staff(role).get(reverse("admin:education_article_changelist"))
    assert re.findall(r'<option value="(\w+)">', page.text.split("</select>")[0]) == actions


@pytest.mark.parametrize(("action", "before"), [("publish", "in review"), ("retire", "published")])
def test_editor_neither_publishes_nor_retires(staff, action, before):
    article = ArticleFactory(status=before)
    act(staff("Editor"), action, article)
    article.refresh_from_db()
    assert article.status == before


@pytest.mark.parametrize(
    ("action", "before", "after", "message"),
    [
        ("send_to_review", "draft", "in review", ("success", "Knee (en) is done.")),
        ("publish", "in review", "published", ("success", "Knee (en) is done.")),
        ("back_to_draft", "retired", "draft", ("success", "Knee (en) is done.")),
        ("retire", "published", "retired", ("success", "Knee (en) is done.")),
        ("publish", "draft", "draft", ("error", "Knee (en) is draft and cannot become published.")),
        ("retire", "in review", "in review", ("error", "Knee (en) is in review and cannot become retired.")),
    ],
)
def test_action_moves_the_article_or_says_why_not(staff, action, before, after, message):
    article = ArticleFactory(title="Knee", status=before)
    assert said(act(staff("Administrator"), action, article)) == [message]
    article.refresh_from_db()
    assert article.status == after


def test_publishing_what_nobody_reviewed_is_refused_and_the_others_go_on(staff):
    bare = ArticleFactory(title="Bare", status=ArticleStatus.IN_REVIEW, is_sample=False)
    sample = ArticleFactory(title="Sample", status=ArticleStatus.IN_REVIEW)
    assert said(act(staff("Clinical reviewer"), "publish", bare, sample)) == [
        ("error", "Bare (en) needs a physician&#x27;s review before it is published."),
        ("success", "Sample (en) is done."),
    ]
    assert dict(Article.objects.values_list("title", "status")) == {"Bare": "in review", "Sample": "published"}


@pytest.mark.parametrize("role", ["Hiring", "Billing", "Front desk", "Resources editor"])
def test_other_roles_do_not_come_in(staff, role):
    article = ArticleFactory()
    client = staff(role)
    assert [
        client.get(reverse("admin:education_article_changelist")).status_code,
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


@pytest.mark.parametrize(
    ("language", "status", "link"),
    [
        ("en", "published", '<a href="/patient-information/knee/">Open the page</a>'),
        ("es", "published", '<a href="/es/patient-information/knee/">Open the page</a>'),
        ("en", "draft", "–"),
    ],
)
def test_list_of_articles_links_to_the_published_page(staff, language, status, link):
    ArticleFactory(topic=TopicFactory(slug="knee"), language=language, status=status)
    page = staff("Editor").get(reverse("admin:education_article_changelist"))
    assert re.findall(r'<td class="field-page">(.*?)</td>', page.text) == [link]


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


# ---- Words ----------------------------------------------------------------------------------------------------------


def term_form(term, *entries):
    """What the browser sends for a term with these entries, each {field: value}."""
    present = list(term.entries.order_by("pk")) if term else []
    form = {
        "slug": term.slug if term else "port",
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


@pytest.mark.parametrize(("model", "queries"), [("topic", 12), ("article", 12), ("term", 14)])
@pytest.mark.parametrize("count", [1, 3])
def test_lists_of_the_admin_do_not_ask_more_for_more_rows(staff, django_assert_num_queries, model, queries, count):
    for number in range(count):
        ArticleFactory(reviewer=PhysicianFactory())
        make_term(f"term-{number}", en=f"Term {number}", es=f"Palabra {number}")
    client, address = staff("Editor"), reverse(f"admin:education_{model}_changelist")
    client.get(address)  # from now on the content types are known
    with django_assert_num_queries(queries):
        page = client.get(address)
    assert page.context["cl"].result_count == count
