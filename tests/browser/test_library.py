"""Patient Information in a real browser: words that open, two languages, paper, and a screen of 320 pixels."""

import re

import pytest
from playwright.sync_api import expect

from education.models import Illustration
from tests import factories
from tests.browser.test_journeys import fits, practice  # noqa: F401  (a fixture)
from tests.education.test_publishing import publish, translate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("practice")]

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 5 5"><path d="M0 0h5" stroke="currentColor"/></svg>'
ADDRESS = "/patient-information/knee/"
NARROW = {"width": 320, "height": 640}
LONG = "Magnetoencephalographic-ultrasonography of the sternocleidomastoid"


def knee(**facts):
    """An article that explains two words, one of them twice."""
    factories.make_term("scan", en="scan", es="escaneo")
    factories.make_term("vein", en="vein", es="vena")
    sections = {"basic facts": "A scan of a vein.\n\nAnother scan.", "prepare": "Fast.", "day of": "Walk."}
    return factories.ArticleFactory(topic__slug="knee", title="Knee", sections=sections, **facts)


def rodilla(article):
    sections = {"basic facts": "Un escaneo de una vena.\n\nOtro escaneo.", "prepare": "Ayune.", "day of": "Camine."}
    return translate(article, sections, title="Rodilla", summary="Qué es.")


def word(page, name):
    return page.locator("article").get_by_role("button", name=name, exact=True)


def meaning(page, name):
    return page.locator(".meaning").filter(has_text=f"What {name} means.")


# ---- Explained words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize(("prefix", "name", "close"), [("", "scan", "Close"), ("/es", "escaneo", "Cerrar")])
def test_word_opens_and_closes_by_click(open_page, javascript, prefix, name, close):
    rodilla(knee())
    page = open_page(prefix + ADDRESS, java_script_enabled=javascript)

    expect(word(page, name)).to_have_count(1)
    expect(meaning(page, name)).to_be_hidden()
    word(page, name).click()
    expect(meaning(page, name)).to_be_visible()
    meaning(page, name).get_by_role("button", name=close).click()
    expect(meaning(page, name)).to_be_hidden()

    word(page, name).click()
    expect(meaning(page, name)).to_be_visible()
    page.get_by_role("heading", level=1).click()
    expect(meaning(page, name)).to_be_hidden()


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_word_opens_by_keyboard_and_escape_closes_it_without_javascript(open_page, key):
    knee()
    page = open_page(ADDRESS, java_script_enabled=False)

    word(page, "scan").focus()
    page.keyboard.press(key)
    expect(meaning(page, "scan")).to_be_visible()
    page.keyboard.press("Tab")
    expect(meaning(page, "scan").get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Tab")
    expect(meaning(page, "scan").get_by_role("link", name="In the glossary")).to_be_focused()
    page.keyboard.press("Escape")
    expect(meaning(page, "scan")).to_be_hidden()
    expect(word(page, "scan")).to_be_focused()

    page.keyboard.press("Tab")
    expect(word(page, "vein")).to_be_focused()


def test_one_meaning_is_open_at_a_time(open_page):
    knee()
    page = open_page(ADDRESS, java_script_enabled=False, viewport={"width": 1200, "height": 900})

    for name, other in (("scan", "vein"), ("vein", "scan")):
        word(page, name).click()
        expect(meaning(page, name)).to_be_visible()
        expect(meaning(page, other)).to_be_hidden()


def test_meaning_fits_a_narrow_screen_and_leads_to_the_glossary(open_page):
    knee()
    page = open_page(ADDRESS, java_script_enabled=False, viewport=NARROW)

    word(page, "scan").click()
    box = meaning(page, "scan").bounding_box()
    assert (box["x"] >= 0, box["x"] + box["width"] <= 320, fits(page)) == (True, True, True)
    meaning(page, "scan").get_by_role("link", name="In the glossary").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("scan")
    assert page.url.endswith("/glossary/scan/")


# ---- Two languages --------------------------------------------------------------------------------------------------


def test_reader_chooses_one_of_two_languages_on_a_phone_without_javascript(open_page):
    rodilla(knee())
    page = open_page(f"{ADDRESS}both-languages/", java_script_enabled=False)
    own, other = page.get_by_text("Another scan."), page.get_by_text("Otro escaneo.")
    choice = page.get_by_role("radio")

    expect(own).to_be_visible()
    expect(other).to_be_hidden()
    choice.nth(1).check()
    expect(own).to_be_hidden()
    expect(other).to_be_visible()
    assert fits(page)

    choice.nth(1).press("ArrowUp")
    expect(choice.nth(0)).to_be_checked()
    expect(own).to_be_visible()
    expect(other).to_be_hidden()


def test_both_languages_can_be_chosen_by_their_names(open_page):
    rodilla(knee())
    page = open_page(f"{ADDRESS}both-languages/", java_script_enabled=False)

    assert [page.get_by_role("radio", name=name).count() for name in ("English", "Spanish")] == [1, 1]


def test_both_languages_stand_side_by_side_on_a_wide_screen(open_page):
    rodilla(knee())
    page = open_page(f"{ADDRESS}both-languages/", viewport={"width": 1200, "height": 900}, java_script_enabled=False)
    english, spanish = (
        page.get_by_text("Another scan.").bounding_box(),
        page.get_by_text("Otro escaneo.").bounding_box(),
    )

    expect(page.get_by_role("radio").first).to_be_hidden()
    assert (english["y"], english["x"] + english["width"] <= spanish["x"]) == (spanish["y"], True)


def test_english_of_a_part_that_is_behind_opens_without_javascript(open_page):
    article = knee()
    rodilla(article)
    publish(article, day_of="Run.")
    page = open_page(f"/es{ADDRESS}", java_script_enabled=False)

    expect(page.get_by_text("Run.", exact=True)).to_be_hidden()
    page.get_by_text("Leerla en inglés", exact=True).click()
    expect(page.get_by_text("Run.", exact=True)).to_be_visible()
    expect(page.locator("[lang=en]").filter(has_text=re.compile(r"^\s*Run\.\s*$"))).to_have_count(1)


# ---- Paper ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "names", "title", "close"),
    [
        ("", ["scan", "vein"], "Words used on this page", "Close"),
        ("/es", ["escaneo", "vena"], "Palabras usadas en esta página", "Cerrar"),
    ],
)
def test_paper_has_the_words_and_nothing_to_click(open_page, prefix, names, title, close):
    rodilla(knee())
    page = open_page(prefix + ADDRESS, java_script_enabled=False)
    heading = page.locator("#words-title")

    expect(heading).to_have_text(title)
    expect(heading).to_be_hidden()
    page.emulate_media(media="print")
    expect(heading).to_be_visible()
    for name in names:
        expect(meaning(page, name)).to_be_visible()
    for button in page.locator(".meaning").get_by_role("button", name=close, include_hidden=True).all():
        expect(button).to_be_hidden()
    places = [meaning(page, name).bounding_box()["y"] for name in names]
    assert places == sorted(places)
    assert places[0] > page.get_by_text("Walk." if not prefix else "Camine.", exact=True).bounding_box()["y"]


def test_both_languages_are_printed_in_full(open_page):
    rodilla(knee())
    page = open_page(f"{ADDRESS}both-languages/", java_script_enabled=False, viewport={"width": 1200, "height": 900})

    page.emulate_media(media="print")
    expect(page.get_by_text("Another scan.")).to_be_visible()
    expect(page.get_by_text("Otro escaneo.")).to_be_visible()
    expect(page.get_by_role("radio").first).to_be_hidden()


# ---- 320 pixels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_at_320_pixels(open_page, scheme):
    drawing = Illustration.objects.create(slug="knee", drawing=DRAWING, alt="A knee", alt_es="Una rodilla")
    article = knee(topic__illustration=drawing, summary=LONG, also_called=LONG, sources=f"[{LONG}](https://a.example)")
    article.topic.procedure_codes.create(code="73721")
    article.topic.locations.add(factories.LocationFactory(name=LONG))
    table = "| When | What to do |\n|---|---|\n| Eight hours before | Stop eating and drinking |"
    printed = publish(article, prepare=f"{LONG}\n\n{table}")
    spanish = rodilla(article)
    publish(article, prepare=f"{LONG} today\n\n{table}", day_of="Run.", risks=LONG)

    page = open_page("/", viewport=NARROW, color_scheme=scheme, java_script_enabled=False)
    wide = []
    for path in (
        article.get_absolute_url(),
        spanish.get_absolute_url(),
        f"{ADDRESS}both-languages/",
        f"/es{ADDRESS}both-languages/",
        "/search/?q=knee",
        "/search/?q=sternocleidomastoid",
        f"/search/?q={'y' * 60}",
        "/es/search/?q=rodilla",
        "/prep-sheets/?q=73721",
        "/es/prep-sheets/",
        "/sheet/",
        "/sheet/?code=x",
        f"/sheet/{printed.code}/",
        f"/sheet/{factories.live(article).code}/",
        f"/sheet/{factories.live(spanish).code}/",
    ):
        page.goto(path)
        for summary in page.locator("main details > summary").all():
            if summary.is_visible():
                summary.click()
        if not fits(page):
            wide.append(path)

    assert wide == []


def test_office_opens_the_spanish_sheet_in_two_clicks_without_javascript(open_page):
    rodilla(knee())
    factories.ArticleFactory(title="Elbow")
    page = open_page("/prep-sheets/", java_script_enabled=False)

    page.get_by_text("Knee", exact=True).click()
    link = page.get_by_role("link", name=re.compile(r"^Preparación(?!, letra grande)"))
    expect(link).to_be_visible()
    response = page.request.get(link.get_attribute("href"))
    assert (response.headers["content-type"], response.body()[:5]) == ("application/pdf", b"%PDF-")
