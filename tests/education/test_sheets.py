import re

import pytest
from django.utils.html import escape
from django.utils.translation import gettext, override

from education import publishing
from education.models import CODE_ALPHABET, Article, ArticleStatus, Edition, SectionKind
from education.sheets import differences, plain_sheet_code
from tests.education.test_publishing import publish, translate, write
from tests.factories import ArticleFactory, LocationFactory, live

pytestmark = pytest.mark.usefixtures("identity")

FACTS, RISKS = SectionKind.BASIC_FACTS, SectionKind.RISKS


@pytest.fixture
def knee(db, time_machine):
    time_machine.move_to("2026-11-01T12:00:00Z", tick=False)
    sections = {FACTS: "One.\n\nTwo.", RISKS: "Few."}
    return ArticleFactory(topic__slug="knee", title="Knee", summary="About knees.", sections=sections)


@pytest.fixture
def later(knee, time_machine):
    time_machine.move_to("2026-11-26T12:00:00Z", tick=False)


def ask(client, edition, prefix=""):
    return client.get(f"{prefix}/sheet/{edition.code}/")


def verdict(response):
    """(what kind of note, what it says, the sentence below)."""
    kind, heading = re.search(r'<div class="note note-(\w+) text"><h1>(.*?)</h1>', response.text).groups()
    return kind, heading, re.search(r'<p class="lead">(.*?)</p>', response.text).group(1)


def plain(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()


def changes_of(response):
    """[(section, [(what the sheet says, what it says now)])] as the page shows them."""
    found = []
    for section in re.findall(r'<section class="text">(.*?)</section>', response.text, re.DOTALL):
        title = re.search(r"<h3>(.*?)</h3>", section)
        changes = re.findall(
            r'<div class="change">(.*?)</div>\s*(?=<div class="change">|$)', section.strip(), re.DOTALL
        )
        pairs = [
            tuple(plain("".join(re.findall(f"<{tag}>(.*?)</{tag}>", change, re.DOTALL))) for tag in ("del", "ins"))
            for change in changes
        ]
        found.append((title.group(1) if title else "", pairs))
    return found


# ---- Current, replaced, withdrawn -----------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/es"])
def test_sheet_of_what_is_on_the_site_is_current(client, knee, later, prefix):
    response = ask(client, live(knee), prefix)
    assert verdict(response) == (
        "good",
        "Your sheet is current",
        "“Knee”, as published on Nov. 1, 2026. Nothing has changed since.",
    )
    assert (changes_of(response), '<html lang="en">' in response.text) == ([], True)
    assert '<meta name="robots" content="noindex">' in response.text


@pytest.mark.parametrize("prefix", ["", "/es"])
def test_sheet_answers_in_its_own_language(client, knee, later, prefix):
    spanish = translate(knee, {FACTS: "Uno.\n\nDos."}, title="Rodilla")
    response = ask(client, live(spanish), prefix)
    assert verdict(response) == (
        "good",
        "Su hoja está vigente",
        "“Rodilla”, como se publicó el 26 de noviembre de 2026. Nada ha cambiado desde entonces.",
    )
    assert '<html lang="es">' in response.text


@pytest.mark.parametrize(
    ("texts", "changes"),
    [
        ({"basic_facts": "One.\n\nOther."}, [("Basic facts", [("Two.", "Other.")])]),
        ({"basic_facts": "One.\n\nNew.\n\nTwo."}, [("Basic facts", [("", "New.")])]),
        ({"basic_facts": "Two."}, [("Basic facts", [("One.", "")])]),
        ({"basic_facts": "Zero.\n\nOne.\n\nTwo.\n\nThree."}, [("Basic facts", [("", "Zero."), ("", "Three.")])]),
        ({"risks": ""}, [("Risks", [("Few.", "")])]),
        ({"day_of": "Walk.\n\nRest."}, [("The day of", [("", "Walk. Rest.")])]),
        (
            {"basic_facts": "Other.\n\nTwo.", "risks": "None."},
            [("Basic facts", [("One.", "Other.")]), ("Risks", [("Few.", "None.")])],
        ),
    ],
)
def test_replaced_sheet_is_told_exactly_what_has_changed(client, knee, later, texts, changes):
    printed = live(knee)
    publish(knee, **texts)
    response = ask(client, printed)
    assert verdict(response) == ("warm", "Your sheet was replaced on Nov. 26, 2026", "Knee")
    assert changes_of(response) == changes
    assert response.text.count("This is no longer so.") == sum(
        not now for _kind, found in changes for _was, now in found
    )
    assert re.findall(r'<a class="button" href="([^"]+)">Print the new sheet', response.text) == [
        "/patient-information/knee/handout.pdf"
    ]


def test_changed_title_and_summary_are_told(client, knee, later):
    printed = live(knee)
    Article.objects.update(title="Elbow", summary="About elbows.")
    publish(Article.objects.get())
    assert changes_of(ask(client, printed)) == [("", [("Knee About knees.", "Elbow About elbows.")])]


def test_changed_note_of_a_location_is_told_by_its_name(client, knee, later):
    note = knee.local_notes.create(location=LocationFactory(name="North Center", slug="n1"), body="Left door.")
    printed = publish(knee)
    note.body = "Right door."
    note.save()
    publish(knee)
    assert changes_of(ask(client, printed)) == [("North Center", [("Left door.", "Right door.")])]


def test_what_does_not_stand_on_paper_is_no_change(client, knee, later):
    printed = live(knee)
    Article.objects.update(sources="Another book", also_called="joint")
    publish(Article.objects.get())
    response = ask(client, printed)
    assert verdict(response) == ("warm", "Your sheet was replaced on Nov. 26, 2026", "Knee")
    assert changes_of(response) == []
    assert "<p>The text is the same; only its review is newer.</p>" in response.text


def test_sheet_several_editions_old_is_told_all_that_has_changed(client, knee, later):
    printed = live(knee)
    publish(knee, risks="Fewer.")
    publish(knee, basic_facts="One.\n\nOther.")
    publish(knee, basic_facts="One.\n\nTwo.")
    assert changes_of(ask(client, printed)) == [("Risks", [("Few.", "Fewer.")])]


def test_replaced_sheet_in_spanish_is_told_in_spanish(client, knee, later):
    spanish = translate(knee, {RISKS: "Pocos."}, title="Rodilla")
    printed = live(spanish)
    publish(spanish, risks="Ninguno.")
    response = ask(client, printed)
    assert verdict(response)[1:] == ("Su hoja fue reemplazada el 26 de noviembre de 2026", "Rodilla")
    assert changes_of(response) == [("Riesgos", [("Pocos.", "Ninguno.")])]
    assert 'href="/es/patient-information/knee/handout.pdf"' in response.text


def test_change_of_the_translation_is_no_change_of_the_english_sheet(client, knee, later):
    spanish = translate(knee, {RISKS: "Pocos."})
    publish(spanish, risks="Ninguno.")
    assert verdict(ask(client, live(knee)))[1] == "Your sheet is current"


def test_draft_changes_no_sheet(client, knee, later):
    write(knee, risks="Secret plans.")
    publishing.keep_edition(knee)
    response = ask(client, live(knee))
    assert (verdict(response)[1], "Secret" in response.text) == ("Your sheet is current", False)


@pytest.mark.parametrize("is_older", [True, False])
def test_sheet_of_an_article_taken_off_is_withdrawn(client, knee, later, is_older):
    printed = live(knee)
    if is_older:
        publish(knee, risks="None.")
    publishing.take_off(knee)
    response = ask(client, printed)
    assert verdict(response) == (
        "warm",
        "Your sheet is no longer in use",
        "We have taken “Knee” off our site. Please call us before you go by it.",
    )
    assert (changes_of(response), "handout.pdf" in response.text) == ([], False)
    assert '<a href="tel:+15745550100">(574) 555-0100</a>' in response.text


@pytest.mark.parametrize("status", sorted(set(ArticleStatus.values) - {"published"}))
def test_edition_that_was_never_published_has_no_sheet(client, status):
    article = ArticleFactory(status=status, title="Secret plans")
    response = ask(client, article.editions.get())
    assert (response.status_code, "Secret plans" in response.text) == (404, False)


def test_later_draft_of_a_published_article_has_no_sheet(client, knee):
    write(knee, risks="Secret plans.")
    response = ask(client, publishing.keep_edition(knee))
    assert (response.status_code, "Secret plans" in response.text) == (404, False)


def test_sheet_escapes_what_editors_wrote(client, knee, later):
    script = "<script>alert(1)</script>"
    printed = live(knee)
    Article.objects.update(title=f"T{script}")
    publish(Article.objects.get(), risks=f"{script} [x](javascript:alert(1))")
    newer = live(knee)
    publish(knee, risks="None.")
    for edition in (printed, newer):
        response = ask(client, edition)
        assert "<script>" not in response.text
        assert 'href="javascript' not in response.text
        assert f"T{escape(script)}" in response.text


@pytest.mark.parametrize("count", [1, 3])
def test_sheet_takes_as_many_queries_however_much_has_changed(client, knee, django_assert_num_queries, count):
    printed = live(knee)
    for number in range(count):
        publish(knee, risks=f"Few {number}.\n\n" * count)
    # The edition, its places; the one on the site, its places; who the practice is.
    with django_assert_num_queries(5):
        ask(client, printed)


def test_editions_differ_by_line_breaks_only_where_the_text_does(db):
    article = ArticleFactory(sections={FACTS: "One\ntwo.\n\nThree."})
    before = live(article)
    after = publish(article, basic_facts="One\ntwo.\n\n\n\nThree.")
    assert differences(before, after) == []


# ---- Codes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("K7Q29FMB", "K7Q29FMB"),
        ("K7Q2-9FMB", "K7Q29FMB"),
        ("k7q2-9fmb", "K7Q29FMB"),
        (" K7 Q2 9F MB ", "K7Q29FMB"),
        ("K7Q2–9FMB", "K7Q29FMB"),
        ("K7Q2—9fmb", "K7Q29FMB"),
        ("K7Q2\u00a09FMB\n", "K7Q29FMB"),
        ("", ""),
        ("K7Q29FM", ""),
        ("K7Q29FMB2", ""),
        ("K7Q29FM0", ""),
        ("K7Q29FMO", ""),
        ("K7Q29FMI", ""),
        ("K7Q29FM1", ""),
        ("K7Q29FML", ""),
        ("K7Q29FMU", ""),
        ("K7Q2.9FMB", ""),
        ("K7Q29FMÉ", ""),
        ("Ｋ７Ｑ２９ＦＭＢ", ""),
        ("²²²²²²²²", ""),
        ("K7Q29FMB\0", ""),
    ],
)
def test_code_is_read_as_people_type_it(typed, code):
    assert plain_sheet_code(typed) == code


def test_code_has_no_letters_that_look_like_others():
    assert set("0O1IL") & set(CODE_ALPHABET) == set()
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET) == 30


@pytest.mark.parametrize(
    "typed", ["{0}", "{0} ", "{1}-{2}", "{1} {2}", "{1} - {2}", "{1}–{2}"], ids=lambda text: text.replace(" ", "_")
)
@pytest.mark.parametrize("change", [str, str.lower])
@pytest.mark.parametrize("prefix", ["", "/es"])
def test_typed_code_leads_to_the_sheet(client, knee, prefix, change, typed):
    code = live(knee).code
    text = change(typed.format(code, code[:4], code[4:]))
    response = client.get(f"{prefix}/sheet/", {"code": text})
    assert (response.status_code, response.headers["Location"]) == (302, f"{prefix}/sheet/{code}/")


@pytest.mark.parametrize("typed", ["{1}-{2}", "{1} {2}", "{1}–{2}"])
def test_address_with_the_code_as_it_is_printed_leads_to_the_sheet(client, knee, typed):
    code = live(knee).code
    for text in (typed, typed.lower()):
        response = client.get(f"/sheet/{text.format(code, code[:4].lower(), code[4:])}/")
        assert (response.status_code, response.headers["Location"]) == (302, f"/sheet/{code}/")


@pytest.mark.parametrize("code", ["AAAAAAAA", "K7Q2", "0", "OILU0000", "²²²²²²²²", "%00", "a b", "..", "<b>"])
def test_address_of_no_sheet_is_not_found(client, knee, code):
    assert client.get(f"/sheet/{code}/").status_code == 404


EMPTY = "Type the code that stands at the top of the sheet."
WRONG = "This is no code of a sheet. It has eight letters and digits, like K7Q2-9FMB, and no O, I, L or U."


@pytest.mark.parametrize(("prefix", "language"), [("", "en"), ("/es", "es")])
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("", EMPTY), ("  ", EMPTY), ("K7Q2", WRONG), ("K7Q29FMO", WRONG), ("<script>", WRONG), ("ñ" * 20, WRONG)],
)
def test_what_is_no_code_gets_a_sentence_and_stays_in_the_box(client, knee, prefix, language, typed, sentence):
    response = client.get(f"{prefix}/sheet/", {"code": typed})
    with override(language):
        sentence = gettext(sentence)
        title = gettext("Error")
    assert response.status_code == 200
    assert escape(sentence) in response.text
    (box,) = re.findall(r'<input [^>]*name="code"[^>]*>', response.text)
    assert re.findall(r'value="(.*?)"', box) == ([escape(typed)] if typed else [])
    assert f"<title>{title}: " in response.text


@pytest.mark.parametrize("typed", ["x" * 21, "K7Q2\0", "x" * 100_000])
def test_what_cannot_be_a_code_gets_a_sentence(client, knee, typed):
    response = client.get("/sheet/", {"code": typed})
    (error,) = response.context["form"].errors["code"]
    assert (response.status_code, error.endswith(".")) == (200, True)


def test_page_asks_for_a_code_without_complaining(client, knee):
    response = client.get("/sheet/")
    assert (response.status_code, response.context["form"].is_bound) == (200, False)
    assert "Error" not in response.text


def test_well_formed_code_of_no_sheet_is_not_found_after_it_was_typed(client, knee):
    assert client.get("/sheet/", {"code": "AAAA-AAAA"}, follow=True).status_code == 404


def test_sheet_says_nothing_of_whoever_asks(client, knee):
    response = ask(client, live(knee))
    assert response.cookies == {}
    assert Edition.objects.filter(code=live(knee).code).count() == 1
