import re
from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone
from django.utils.html import escape

from careers.models import Opening, OpeningStatus
from education import publishing
from education.glossary import save_entry
from education.models import Article, ArticleStatus, Entry, Term
from practice.announcements.models import Announcement
from practice.models import Subspecialty
from practice.search.missed import MOST_ROWS
from practice.search.models import MissedSearch, SynonymGroup
from tests.education.test_publishing import publish, write
from tests.factories import (
    AnnouncementFactory,
    ArticleFactory,
    LocationFactory,
    OpeningFactory,
    PhysicianFactory,
    make_term,
)

pytestmark = pytest.mark.usefixtures("identity")


def ask(client, text, prefix=""):
    return client.get(f"{prefix}/search/", {"q": text})


def groups(response):
    """{group: [(address, title, text)]} as the page shows them, marks and all."""
    return {
        name: re.findall(r'<li><a href="([^"]+)"[^>]*>(.*?)</a>(?:<p[^>]*>(.*?)</p>)?</li>', hits, re.DOTALL)
        for name, hits in re.findall(
            r'<h2 id="group-\d+">(.*?)</h2>\s*<ul class="listing">(.*?)</ul>', response.text, re.DOTALL
        )
    }


def found(response):
    """The addresses of all hits, in order."""
    return [address for hits in groups(response).values() for address, _title, _text in hits]


def nothing_found(response):
    return re.findall(r"<h2>(We found nothing for .*?|No encontramos nada .*?)</h2>", response.text)


# ---- What each room gives -------------------------------------------------------------------------------------------


def test_every_room_gives_what_it_has(client):
    place = LocationFactory(name="Knee Center", slug="knee-center")
    ArticleFactory(topic__slug="knee-mri", title="Knee MRI", summary="Pictures of a knee.")
    ArticleFactory(topic__slug="head-ct", title="Head CT", summary="Pictures of the head.")
    make_term("meniscus", en="Knee cushion")
    bones = Subspecialty.objects.create(name="Knees and bones")
    PhysicianFactory(name="Ann Lee", slug="ann-lee").subspecialties.add(bones)
    PhysicianFactory(name="Bo Kneeland", slug="bo", biography="Reads knee images.")
    PhysicianFactory(name="Cy Smith", slug="cy")
    OpeningFactory(title="Knee nurse", slug="nurse", summary="A job.", location=LocationFactory())
    AnnouncementFactory(title="New scanner", slug="scanner", summary="For every knee.")

    assert groups(ask(client, "knee")) == {
        "Exams and treatments": [
            ("/patient-information/knee-mri/", "<mark>Knee</mark> MRI", "Pictures of a <mark>knee</mark>.")
        ],
        "Medical Glossary": [
            ("/glossary/meniscus/", "<mark>Knee</mark> cushion", "What <mark>Knee</mark> cushion means.")
        ],
        "Our physicians": [
            ("/physicians/ann-lee/", "Ann Lee, MD", "<mark>Knees</mark> and bones"),
            ("/physicians/bo/", "Bo Kneeland, MD", ""),
        ],
        "Locations": [
            (f"/locations/#{place.slug}", "<mark>Knee</mark> Center", "2 Test Street, Testville · (574) 555-0101")
        ],
        "Join Our Practice": [("/careers/nurse/", "<mark>Knee</mark> nurse", "A job.")],
        "Announcements": [("/announcements/scanner/", "New scanner", "For every <mark>knee</mark>.")],
    }


def test_spanish_reader_finds_what_is_in_spanish(client):
    english = ArticleFactory(topic__slug="knee-mri", title="Knee MRI", summary="Pictures.")
    ArticleFactory(topic=english.topic, language="es", title="RM de rodilla", summary="Imágenes.")
    make_term("meniscus", en="Knee cushion", es="Rodilla: cojín")
    bones = Subspecialty.objects.create(name="Bones", name_es="Rodillas y huesos")
    PhysicianFactory(slug="ann-lee").subspecialties.add(bones)
    LocationFactory(slug="here", directions="Walk.", directions_es="Cerca de la rodilla.")
    OpeningFactory(title="Knee nurse", title_es="Enfermera de rodilla", slug="nurse")
    AnnouncementFactory(title="Knee day", title_es="Día de la rodilla", slug="day")

    response = ask(client, "RODILLA", "/es")
    assert list(groups(response)) == [
        "Exámenes y tratamientos",
        "Glosario médico",
        "Nuestros médicos",
        "Sedes",
        "Trabaje con nosotros",
        "Anuncios",
    ]
    assert found(response) == [
        "/es/patient-information/knee-mri/",
        "/es/glossary/meniscus/",
        "/es/physicians/ann-lee/",
        "/es/locations/#here",
        "/es/careers/nurse/",
        "/es/announcements/day/",
    ]
    assert found(ask(client, "rodilla")) == ["/physicians/ann-lee/"]  # a physician's field is known in both


@pytest.mark.parametrize(("factory", "address"), [(OpeningFactory, "careers"), (AnnouncementFactory, "announcements")])
def test_hit_that_is_only_in_english_says_so_to_spanish_readers(client, factory, address):
    factory(title="Zebra news", slug="zebra")
    factory(title="Other", title_es="Nuevas de zebra", slug="nueva")
    text = ask(client, "zebra", "/es").text
    assert set(re.findall(rf'<a href="(/es/{address}/\w+/)" lang="(..)">', text)) == {
        (f"/es/{address}/zebra/", "en"),
        (f"/es/{address}/nueva/", "es"),
    }


@pytest.mark.parametrize(
    ("asked", "tiers"),
    [
        ("knee mri", ["knee-mri", "knee-x-ray"]),  # the page of that title
        ("x-ray of a knee", ["knee-x-ray", "knee-mri"]),
        ("knee", ["knee-mri knee-x-ray", "leg"]),  # those with it in the title, then those that mention it
        ("knees", ["knee-mri knee-x-ray", "leg"]),
        ("joint scan", ["knee-mri"]),  # another name
        ("meniscus", ["leg"]),  # in the text
        ("knee zebra", ["knee-mri knee-x-ray"]),  # nothing has both
        ("the knee of my leg", ["leg", "knee-mri knee-x-ray"]),  # this one has both
        ("zebra", []),
    ],
)
def test_articles_come_the_best_first(client, asked, tiers):
    sections = {"why": "The knee, the meniscus."}
    ArticleFactory(topic__slug="leg", title="Leg exam", summary="Of the leg.", sections=sections)
    ArticleFactory(topic__slug="knee-x-ray", title="X-ray of a knee", summary="A picture.")
    ArticleFactory(topic__slug="knee-mri", title="Knee MRI", summary="Pictures.", also_called="joint scan")
    ArticleFactory(topic__slug="head", title="Head CT", summary="Of the head.")
    slugs = [address.split("/")[2] for address in found(ask(client, asked))]
    for tier in tiers:
        expected = set(tier.split())
        assert set(slugs[: len(expected)]) == expected
        slugs = slugs[len(expected) :]
    assert slugs == []


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("bone cement", "Vertebroplasty (<mark>bone cement</mark>)"),
        ("glue", "Vertebroplasty (<mark>glue</mark> &lt;b&gt;)"),
        ("spine cement", "Vertebroplasty (<mark>spine cement</mark>)"),
        ("vertebroplasty", "<mark>Vertebroplasty</mark>"),
    ],
)
def test_article_found_by_another_name_says_by_which(client, asked, title):
    ArticleFactory(title="Vertebroplasty", summary="A treatment.", also_called="bone cement\nspine cement\nglue <b>")
    (hits,) = groups(ask(client, asked)).values()
    assert [found_title for _address, found_title, _text in hits] == [title]


def test_synonyms_of_the_editors_are_found(client):
    ArticleFactory(topic__slug="bone-x-ray", title="Bone X-ray", also_called="broken arm")
    assert found(ask(client, "fracture")) == []
    SynonymGroup.objects.create(language="en", text="broken = fracture")
    assert found(ask(client, "fracture")) == ["/patient-information/bone-x-ray/"]
    assert found(ask(client, "fracture", "/es")) == []


@pytest.mark.parametrize(("count", "shown"), [(10, 10), (12, 10)])
def test_ten_articles_are_shown(client, count, shown):
    for number in range(count):
        ArticleFactory(title=f"Zebra {number}")
    assert len(found(ask(client, "zebra"))) == shown


def test_five_of_every_other_room_are_shown(client):
    place = LocationFactory()
    for number in range(6):
        make_term(f"zebra-{number}", en=f"Zebra {number}")
        PhysicianFactory(name=f"Zebra {number}")
        LocationFactory(name=f"Zebra {number}")
        OpeningFactory(title=f"Zebra {number}", location=place)
        AnnouncementFactory(title=f"Zebra {number}")
    assert [len(hits) for hits in groups(ask(client, "zebra")).values()] == [5] * 5


@pytest.mark.parametrize(
    ("factory", "name"),
    [
        (PhysicianFactory, "Ann Marlow"),
        (PhysicianFactory, "Ann Lang"),
        (LocationFactory, "Marlow Center"),
    ],
)
def test_name_of_a_person_or_place_is_no_misspelled_word(client, factory, name):
    ArticleFactory(title="Marrow of the lung")
    row = factory(name=name)
    word = "Marlow" if "Marlow" in name else "Lang"
    assert row.get_absolute_url() in found(ask(client, word))


def test_marks_of_markdown_are_not_shown(client):
    make_term("port", en="Port")
    Entry.objects.update(definition="A **small** [device](https://a.example).")
    (hits,) = groups(ask(client, "port")).values()
    assert [text for _address, _title, text in hits] == ["A small device."]


# ---- What nobody is to find -----------------------------------------------------------------------------------------


def closed_opening(**facts):
    return OpeningFactory(title="Zebra job", summary="Zebra.", **facts)


def announcement(**facts):
    return AnnouncementFactory(title="Zebra news", summary="Zebra.", **facts)


def hours(number):
    return timezone.now() + timedelta(hours=number)


def taken_off():
    publishing.take_off(article_with_zebra())


def rewritten():
    publish(article_with_zebra(title="Other"), why="Nothing.")


def edited():
    article = ArticleFactory()
    Article.objects.update(title="Zebra", summary="Zebra.", also_called="zebra")
    write(article, why="Zebra.")
    publishing.keep_edition(article)


def article_with_zebra(title="Zebra", **facts):
    return ArticleFactory(title=title, sections={"why": "Zebra."}, **facts)


HIDDEN = {
    "draft": lambda: article_with_zebra(status=ArticleStatus.DRAFT),
    "in review": lambda: article_with_zebra(status=ArticleStatus.IN_REVIEW),
    "retired": lambda: article_with_zebra(status=ArticleStatus.RETIRED),
    "taken off": taken_off,
    "no longer said": rewritten,
    "not yet published": edited,
    "sources only": lambda: ArticleFactory(sources="Zebra."),
    "other language": lambda: article_with_zebra(language="es"),
    "word in the other language": lambda: make_term("zebra", es="Zebra"),
    "word without an entry": lambda: Term.objects.create(slug="zebra"),
    "former physician": lambda: PhysicianFactory(name="Zebra Smith", is_practising=False),
    "draft of an opening": lambda: closed_opening(status=OpeningStatus.DRAFT),
    "closed opening": lambda: closed_opening(status=OpeningStatus.CLOSED),
    "opening past its day": lambda: closed_opening(closes_on=timezone.localdate() - timedelta(days=1)),
    "announcement to come": lambda: announcement(publish_from=hours(1)),
    "announcement past": lambda: announcement(publish_from=hours(-2), publish_until=hours(-1)),
}


@pytest.mark.parametrize("make", HIDDEN.values(), ids=HIDDEN)
def test_what_is_not_on_the_site_is_not_found(client, make):
    make()
    for text in ("zebra", "ZEBRAS", "zebr", "zebar"):
        response = ask(client, text)
        assert (found(response), len(nothing_found(response))) == ([], 1)
        assert "Zebra" not in response.text.replace(escape(text), "")


def test_what_was_hidden_is_found_once_it_is_there(client):
    article = article_with_zebra(status=ArticleStatus.DRAFT, topic__slug="zebra")
    publish(article)
    opening = closed_opening(status=OpeningStatus.CLOSED)
    Opening.objects.update(status=OpeningStatus.OPEN)
    news = announcement(publish_from=hours(1))
    Announcement.objects.update(publish_from=hours(-1))
    assert found(ask(client, "zebra")) == [row.get_absolute_url() for row in (article, opening, news)]


def test_word_that_was_taken_away_is_not_found(client):
    term = make_term("zebra", en="Zebra")
    assert found(ask(client, "zebra")) == ["/glossary/zebra/"]
    save_entry(term, "en", "Stripes", "An animal.")
    assert found(ask(client, "zebra")) == []
    term.delete()
    assert found(ask(client, "stripes")) == []


# ---- Did you mean ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "note"),
    [
        (
            "",
            "We did not find “mamogram <b>”. Did you mean <strong>mammogram b</strong>? This is what we found for it.",
        ),
        (
            "/es",
            "No encontramos “mamogrefia”. ¿Quiso decir <strong>mamografia</strong>? Esto es lo que encontramos.",
        ),
    ],
)
def test_misspelled_word_is_answered_with_the_likeliest(client, prefix, note):
    english = ArticleFactory(topic__slug="breast", title="Mammogram B")
    ArticleFactory(topic=english.topic, language="es", title="Mamografía")
    response = ask(client, "mamogrefia" if prefix else "mamogram <b>", prefix)
    assert found(response) == [f"{prefix}/patient-information/breast/"]
    notes = re.findall(r'<p class="note text" role="status">(.*?)</p>', response.text)
    assert [text.replace("&lt;", "<").replace("&gt;", ">") for text in notes] == [note]


@pytest.mark.parametrize("text", ["mammogram", "Mammograms", "mammo", "hippopotamus", ""])
def test_word_that_is_known_or_like_none_is_not_corrected(client, text):
    ArticleFactory(title="Mammogram")
    assert "Did you mean" not in ask(client, text).text


# ---- What was not found ---------------------------------------------------------------------------------------------


def missed():
    return list(MissedSearch.objects.order_by("language", "words").values_list("language", "words", "count"))


@pytest.mark.parametrize(
    ("prefix", "language", "sentence"),
    [
        ("", "en", "We found nothing for “Zebra”."),
        ("/es", "es", "No encontramos nada para “Zebra”."),
    ],
)
def test_search_without_a_result_says_so_and_is_counted(client, prefix, language, sentence):
    responses = [ask(client, text, prefix) for text in ("Zebra", "zebra!", " ZEBRA ")]
    assert nothing_found(responses[0]) == [sentence]
    assert f'href="{prefix}/patient-information/"' in responses[0].text
    assert '<a href="tel:+15745550100">(574) 555-0100</a>' in responses[0].text
    assert missed() == [(language, "zebra", 3)]


def test_search_with_a_result_is_not_counted(client):
    ArticleFactory(title="Mammogram")
    for text in ("mammogram", "mamogram", "mammo", "", "?"):
        ask(client, text)
    assert missed() == []


def test_words_that_come_again_wait_again(client):
    ask(client, "zebra")
    MissedSearch.objects.update(handled_at=timezone.now(), last_at=hours(-5))
    ask(client, "zebra")
    row = MissedSearch.objects.get()
    assert (row.count, row.handled_at, timezone.now() - row.last_at < timedelta(minutes=1)) == (2, None, True)


@pytest.mark.parametrize(
    "text",
    [
        "06/15/1950",
        "zebra 1950",
        "574-555-0100",
        "acc12345",
        "4242 4242 4242 4242",
        "123-45-6789",
        "ST-2026-000001",
        "zebra²",
        "one two three four five six",
        "y" * 21,
        "my zebra has been very unwell since yesterday",
        "х" * 21,
        "z",
        "🦓",
        "<script>alert(1)</script> 1",
        "zebra-7",
        "zebra+1",
        "jane.doe@example.com",
        "https://example.com/jane/doe",
    ],
)
def test_what_may_be_about_somebody_is_not_kept(client, text):
    assert len(nothing_found(ask(client, text))) == 1
    assert missed() == []


@pytest.mark.parametrize("text", ["zebra", "zebra stripes", "año", "ζέβρα", "斑马"])
def test_plain_words_are_kept(client, text):
    ask(client, text)
    assert [count for _language, _words, count in missed()] == [1]


def test_nothing_of_whoever_asks_is_kept(client):
    assert ask(client, "zebra").cookies == {}
    columns = {field.name for field in MissedSearch._meta.get_fields()}
    assert columns == {"id", "language", "words", "count", "last_at", "handled_at"}


def test_machine_cannot_fill_the_disk(client, monkeypatch):
    monkeypatch.setattr("practice.search.missed.MOST_ROWS", 2)
    for text in ("zebra", "lion", "tiger", "zebra"):
        ask(client, text)
    assert missed() == [("en", "lion", 1), ("en", "zebra", 2)]
    assert MOST_ROWS == 10_000


# ---- The page -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefix", "title"), [("", "Search"), ("/es", "Buscar")])
@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", "?other=1"])
def test_page_without_a_question_asks_for_one(client, prefix, title, query):
    response = client.get(f"{prefix}/search/{query}")
    assert re.findall("<title>(.*?)</title>", response.text)[0].strip().startswith(title)
    assert (groups(response), nothing_found(response), missed()) == ({}, [], [])


def test_question_stays_in_the_box(client):
    text = ask(client, '  "Knee"  <b> ').text
    assert re.findall(r'<input [^>]*id="q"[^>]* value="(.*?)"', text) == ["&quot;Knee&quot; &lt;b&gt;"]


def test_search_is_for_reading_only(client):
    assert [getattr(client, method)("/search/?q=x").status_code for method in ("head", "post")] == [200, 405]


NASTY = [
    "",
    " ",
    "\0",
    "knee\0mri",
    "\r\nSet-Cookie: a=b",
    "'",
    "''",
    '"',
    "\\",
    "\\'",
    "%",
    "_",
    "%%s %s %(x)s {x} {0}",
    ";",
    "'; DROP TABLE search_word; --",
    "' OR 1=1 --",
    "a & b",
    "a | b",
    "!a",
    "a <-> b",
    "a <2> b:*ABCD",
    "((((",
    "))))",
    ":*",
    "& | !",
    "'a' & 'b",
    "-",
    "--x--y--",
    "+++",
    "<script>alert(1)</script>",
    "</title><svg onload=alert(1)>",
    "{{ 7|add:7 }}{% now %}",
    "👩‍⚕️🩻",
    "\u202eeenk\u202c\u200b\ufeff",
    "Z͑ͫ̓ͪ̂ͫ̽a̴",
    "田中さん",
    "ركبة",
    "ﬁﬂ½²①Ⅷ",
    "İıßŉǰ",
    "\ud7ff\ue000\ufffd\U0010ffff",
    "e" * 10_000,
    "knee " * 2_000,
    "é" * 5_000,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "kneeknee" * 12,
    "0",
    "9" * 400,
    "1e999 NaN -0 0x0",
    "../../../etc/passwd",
    "http://example.com/?a=b&c=d#e",
    "a@b.c",
    "knee" + "\u0301" * 200,
]


def test_anything_may_be_asked(client, subtests):
    ArticleFactory(title="Knee MRI")
    ArticleFactory(title="RM de rodilla", language="es")
    make_term("knee", en="Knee", es="Rodilla")
    for text, prefix in product(NASTY, ("", "/es")):
        with subtests.test(text=text[:80], prefix=prefix):
            response = ask(client, text, prefix)
            assert response.status_code == 200
            assert [part for part in ("<script>alert", "<svg onload") if part in response.text] == []
            assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("query", ["q=%FF%FE", "q=%ED%A0%80", "q=%", "q=%C0%80", "q[]=knee", "q=a&q=knee", "&&=&"])
def test_broken_bytes_may_be_asked(client, query):
    assert [client.get(f"{prefix}/search/?{query}").status_code for prefix in ("", "/es")] == [200, 200]


def test_hits_escape_what_editors_wrote(client):
    script = "<script>alert(1)</script>"
    ArticleFactory(title=f"Zebra {script}", summary=f"Zebra {script}", also_called=f"striped {script}")
    make_term("zebra", en=f"Zebra {script}")
    PhysicianFactory(name=f"Zebra {script}")
    LocationFactory(name=f"Zebra {script}")
    OpeningFactory(title=f"Zebra {script}", summary=script)
    AnnouncementFactory(title=f"Zebra {script}", summary=script)
    for text in ("zebra", "striped", "script alert"):
        response = ask(client, text)
        assert (len(found(response)) > 0, "<script>" in response.text) == (True, False)


@pytest.mark.parametrize(
    ("prefix", "words"), [("", "jobs"), ("", "careers"), ("", "job openings"), ("/es", "empleo"), ("/es", "vacantes")]
)
def test_who_looks_for_work_finds_the_openings(client, identity, prefix, words):
    page = client.get(f"{prefix}/search/", {"q": words}).text
    assert f'href="{prefix}/careers/"' in page.split("<main")[1].split("</main>")[0]
