from itertools import product

import pytest
from django.db import connection

from practice.search.models import SynonymGroup, Word
from practice.search.query import Query, Slot, letters_apart, phrases_of, understand
from practice.search.words import remember_words, words_of
from tests.factories import make_term

pytestmark = pytest.mark.django_db

ENGLISH = """
abdomen ablation angiogram ankle artery back biopsy bone brain broken cat chest ct fracture gallbladder head kidney
knee mammogram mri osteoporosis pelvis pneumonia scan sciatica shoulder spine stone thyroid ultrasound vertebra
vertebroplasty x-ray
"""
SPANISH = "cabeza columna espalda hueso mamografia osteoporosis pulmon radiografia resonancia rodilla tomografia torax"
GROUPS = {
    "en": [
        "broken = fracture",
        "back bone = spine = vertebra",
        "cat scan = ct scan",
        "kidney stone = renal calculus",
        "part of the brain = lobe",
        "pins and needles = tingling",
    ],
    "es": ["tac = tomografía", "placa = radiografía", "cabeza = cráneo"],
}


@pytest.fixture
def words(db):
    remember_words("en", set(ENGLISH.split()), {"bring", "hospital"})
    remember_words("es", set(SPANISH.split()), {"traiga"})
    for language, texts in GROUPS.items():
        for text in texts:
            SynonymGroup.objects.create(language=language, text=text)
            remember_words(language, set(), words_of([text]))


def slots(query):
    """The slots as text, with `|` between phrases that mean the same, `*` at half a word and `?` where not needed."""
    return [
        " | ".join(" ".join(phrase) for phrase in slot.phrases) + "*" * slot.is_prefix + "?" * slot.is_optional
        for slot in query.slots
    ]


# ---- What is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("knee", ["knee"]),
        ("Knee MRI", ["knee", "mri"]),
        ("  KNEE\n mri? ", ["knee", "mri"]),
        ("kneé (mri), please", ["knee", "mri", "please"]),
        ("x-ray", ["x-ray"]),
        ("-x-ray-", ["x-ray"]),
        # Small words say nothing, unless there are no others.
        ("what is an mri of the knee", ["mri", "knee"]),
        ("of the", ["of", "the"]),
        ("how", ["how"]),
        # A word of every exam is not needed.
        ("knee scan", ["knee", "scan?"]),
        ("test results", ["test?", "results?"]),
        # Words that mean the same.
        ("broken knee", ["broken | fracture", "knee"]),
        ("fracture", ["fracture | broken"]),
        ("broken back bone", ["broken | fracture", "back bone | spine | vertebra"]),
        ("back of the bone", ["back", "bone"]),
        ("cat scan of the head", ["cat scan | ct scan", "head"]),
        ("cat", ["cat"]),
        ("kidney stones", ["kidney stones | renal calculus"]),
        ("part of the brain", ["part of the brain | lobe"]),
        ("pins and needles in my back", ["pins and needles | tingling", "back"]),
        # Two words for one, and one for two.
        ("ultra sound", ["ultra sound | ultrasound"]),
        ("thyroid ultra sound", ["thyroid", "ultra sound | ultrasound"]),
        # Half a word.
        ("mammo", ["mammo*"]),
        ("knee ul", ["knee", "ul"]),
        ("knee ult", ["knee", "ult*"]),
        ("ult knee", ["ult", "knee"]),
        ("osteo knee", ["osteo*", "knee"]),
        # Nothing.
        ("", []),
        (" \n\t", []),
        ("?!", []),
        ("- + -", []),
        ("\0", []),
    ],
)
def test_english_is_understood(words, text, understood):
    query = understand(text, "en")
    assert (slots(query), query.corrected, bool(query)) == (understood, "", bool(understood))


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("rodilla", ["rodilla"]),
        ("Tomografía de tórax", ["tomografia | tac", "torax"]),
        ("tomografia del TORAX", ["tomografia | tac", "torax"]),
        ("¿Qué es una resonancia?", ["resonancia"]),
        ("TAC de la cabeza", ["tac | tomografia", "cabeza | craneo"]),
        ("de la", ["de", "la"]),
        ("examen de rodilla", ["examen?", "rodilla"]),
        ("imágenes", ["imagenes?"]),
        ("resonancias", ["resonancias"]),
        ("mamog", ["mamog*"]),
    ],
)
def test_spanish_is_understood(words, text, understood):
    query = understand(text, "es")
    assert (slots(query), query.corrected) == (understood, "")


@pytest.mark.parametrize(
    ("language", "typed", "meant"),
    [
        ("en", "mamogram", "mammogram"),
        ("en", "mammagram", "mammogram"),
        ("en", "ultrsound", "ultrasound"),
        ("en", "knee ultrsound", "knee ultrasound"),
        ("en", "nee mri", "knee mri"),
        ("en", "kneee", "knee"),
        ("en", "sholder", "shoulder"),
        ("en", "thyriod", "thyroid"),
        ("en", "thiroid", "thyroid"),
        ("en", "siatica", "sciatica"),
        ("en", "newmonia", "pneumonia"),
        ("en", "pnemonia", "pneumonia"),
        ("en", "ostioporosis", "osteoporosis"),
        ("en", "vertabroplasty", "vertebroplasty"),
        ("en", "galbladder", "gallbladder"),
        ("en", "brokn sholder", "broken shoulder"),
        ("en", "catscan", "cat scan"),
        ("en", "kneemri", "knee mri"),
        ("es", "mamografya", "mamografia"),
        ("es", "rodiya", "rodilla"),
        ("es", "rezonancia", "resonancia"),
        ("es", "toraz", "torax"),
        ("es", "osteoporocis", "osteoporosis"),
    ],
)
def test_word_nobody_wrote_is_taken_for_the_likeliest(words, language, typed, meant):
    query = understand(typed, language)
    assert (query.corrected, query.text) == (meant, typed)
    assert " ".join(" ".join(slot.phrases[0]) for slot in query.slots) == meant


@pytest.mark.parametrize(
    "text",
    [
        "bring",  # stands on a page
        "hospital",
        "lobe",  # in the editors' synonyms
        "knees",  # a plural
        "shoulders",
        "ne",  # too short
        "of",
        "2024",
        "71046",
        "zzyzx",
        "hippopotamus",
        "tomografia",  # a word of the other language only
    ],
)
def test_word_is_left_alone(words, text):
    query = understand(text, "en")
    assert (query.corrected, [slot.phrases[0] for slot in query.slots]) == ("", [(text,)])


def test_correction_keeps_what_means_the_same(words):
    assert slots(understand("fractre", "en")) == ["fracture | broken"]
    assert slots(understand("kidny stone", "en")) == ["kidney stone | renal calculus"]


def test_words_that_are_as_likely_are_all_looked_for(words):
    remember_words("en", {"contrast", "contract"}, set())
    query = understand("contrazt", "en")
    assert (query.corrected, slots(query)) in [
        ("contrast", ["contrast | contract"]),
        ("contract", ["contract | contrast"]),
    ]


def test_word_of_no_name_is_not_what_was_meant(words):
    remember_words("en", set(), {"wander"})
    assert understand("wandr", "en").corrected == ""


def test_other_names_of_a_glossary_word_mean_the_same(words):
    make_term("mri", en="magnetic resonance imaging", synonyms=["MRI", "MR"])
    knee, mri = understand("knee mri", "en").slots
    assert (knee.phrases, mri.phrases[0]) == ([("knee",)], ("mri",))
    assert sorted(mri.phrases[1:]) == [("magnetic", "resonance", "imaging"), ("mr",)]
    assert slots(understand("mri", "es")) == ["mri"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("knee " * 12, 12), ("knee " * 13, 12), ("a b c d e f g h i j k l m n o", 12), ("ultrasound " * 20, 10)],
)
def test_long_question_is_cut(words, text, count):
    query = understand(text, "en")
    assert len(query.words) == count
    assert len(query.text) <= 100


def test_long_word_is_cut(words):
    assert understand("y" * 99, "en").words == ["y" * 40]


@pytest.mark.parametrize("text", ["knee", "knee mri of my broken sholder", "zzyzx qqqq wwww eeee"])
def test_question_of_many_words_takes_few_queries(words, django_assert_max_num_queries, text):
    with django_assert_max_num_queries(
        9
    ):  # words; twice the groups and the glossary; names of two kinds; beginnings; alike
        understand(text, "en")


# ---- What the database is asked -------------------------------------------------------------------------------------


def query_of(*phrases, optional=(), prefix=(), language="en"):
    """A query of slots written as `broken|fracture`."""
    made = [
        Slot(
            [tuple(one.split()) for one in phrase.split("|")],
            is_prefix=phrase in prefix,
            is_optional=phrase in optional,
        )
        for phrase in phrases
    ]
    return Query("", language, slots=made)


def test_all_of_needs_every_slot_but_those_that_are_optional():
    query = query_of("broken|fracture", "back bone|spine", "scan", optional=["scan"], prefix=["scan"])
    assert query.all_of() == "(('broken') | ('fracture')) & (('back' & 'bone') | ('spine'))"
    assert query.all_of(weight="A") == "(('broken':A) | ('fracture':A)) & (('back':A & 'bone':A) | ('spine':A))"
    assert query.any_of() == "('broken') | ('fracture') | ('back' & 'bone') | ('spine')"
    assert query.any_word() == "'broken' | 'back' | 'bone' | 'scan'"


def test_where_everything_is_optional_everything_is_needed():
    assert query_of("test", "scan", optional=["test", "scan"]).all_of() == "(('test')) & (('scan'))"


def test_half_a_word_is_a_prefix():
    assert query_of("mammo", prefix=["mammo"]).all_of(weight="A") == "(('mammo':*A))"


def test_all_but_one_of_three():
    assert query_of("a", "b", "c").all_but_one_of() == (
        "((('a')) & (('b'))) | ((('a')) & (('c'))) | ((('b')) & (('c')))"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a & b",
        "knee | mri & !head",
        "knee:*A",
        "(knee",
        "'knee'",
        "knee <-> mri",
        "\\ knee \\'",
        "x-ray-y--z +-+ a+b",
        "of the and",
        "²½ﬁ",
        "年 月",
        "👩‍⚕️ knee",
        "éÉßİı",
        "knee-",
        "1.5 -2 1e5 0x1",
        "a@b.com http://a.b/c?d=e",
        "_ __ knee_mri",
    ],
)
@pytest.mark.parametrize("language", ["en", "es"])
def test_whatever_was_typed_is_a_question_to_the_database(words, text, language):
    query = understand(text, language)
    asked = [query.all_of(), query.all_of(weight="A"), query.any_of(), query.any_word()]
    asked += [query.all_but_one_of()] if len(query.needed) > 1 else []
    with connection.cursor() as cursor:
        for one in asked:
            cursor.execute("SELECT to_tsquery(%s, %s) IS NOT NULL", [query.config, one])
            assert cursor.fetchone() == (True,)


@pytest.mark.parametrize(
    ("text", "texts", "fits"),
    [
        ("knee", ["The knee"], True),
        ("knee", ["Knees"], True),
        ("knee", ["Kneeling chair"], False),
        ("knee", ["ankle"], False),
        ("ann lee", ["Ann", "Lee"], True),
        ("ann lee", ["Ann Smith"], False),
        ("íñigo", ["INIGO"], True),
        ("broken", ["A fracture"], True),
        ("back bone", ["bone and back"], True),
        ("back bone", ["spine"], True),
        ("back bone", ["back"], False),
        ("knee scan", ["knee"], True),  # `scan` is not needed
        ("scan", ["scan"], True),
        ("scan", ["knee"], False),
        ("", [""], False),
        ("?", ["?"], False),
    ],
)
def test_pages_of_rooms_without_an_index_fit_or_not(words, text, texts, fits):
    assert understand(text, "en").fits(*texts) is fits


# ---- Marks in what was found ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "text", "html"),
    [
        ("knee", "A knee exam", "A <mark>knee</mark> exam"),
        ("knee", "KNEES, knee.", "<mark>KNEES</mark>, <mark>knee</mark>."),
        ("knee mri", "Knee MRI", "<mark>Knee MRI</mark>"),
        ("knee mri", "Knee, MRI", "<mark>Knee</mark>, <mark>MRI</mark>"),
        ("broken", "A fracture", "A <mark>fracture</mark>"),
        ("back bone", "The spine", "The <mark>spine</mark>"),
        ("x-ray", "An X-ray", "An <mark>X-ray</mark>"),
        ("pulmon", "Pulmón", "<mark>Pulmón</mark>"),
        ("fracture", "fractured", "<mark>fractured</mark>"),
        ("ct", "ct, act, CTs", "<mark>ct</mark>, act, CTs"),
        ("a", "a b", "a b"),
        ("ankle", "knee", "knee"),
        ("", "knee", "knee"),
        ("mammo", "Mammogram", "<mark>Mammogram</mark>"),
    ],
)
def test_what_was_asked_for_is_marked(words, asked, text, html):
    assert understand(asked, "en").highlight(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<b>knee</b>", "&lt;b&gt;<mark>knee</mark>&lt;/b&gt;"),
        ("<knee onload=alert(1)>", "&lt;<mark>knee</mark> onload=alert(1)&gt;"),
        ("knee & \"knee\" 'mri'", "<mark>knee</mark> &amp; &quot;<mark>knee</mark>&quot; &#x27;<mark>mri</mark>&#x27;"),
        ("</mark> <mark>", "&lt;/<mark>mark</mark>&gt; &lt;<mark>mark</mark>&gt;"),
        ("&amp; lt gt", "&amp;<mark>amp</mark>; <mark>lt gt</mark>"),
    ],
)
def test_marked_text_is_escaped(words, text, html):
    assert understand("knee mri mark amp lt gt", "en").highlight(text) == html


# ---- Spelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("knee", "knee", 0),
        ("nee", "knee", 1),
        ("kneee", "knee", 1),
        ("knie", "knee", 1),
        ("kene", "knee", 1),  # swapped
        ("ekne", "knee", 2),
        ("thyriod", "thyroid", 1),
        ("abcd", "badc", 2),
        ("ca", "abc", 3),  # no letter is touched twice
        ("ostioporocis", "osteoporosis", 2),
        ("ñ", "n", 1),
        ("abc", "xyz", 3),
    ],
)
def test_letters_apart(one, other, apart):
    assert letters_apart(one, other) == apart


def test_letters_apart_is_the_same_both_ways_and_never_more_than_without_swaps():
    texts = ["".join(letters) for length in range(5) for letters in product("ab", repeat=length)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT one, other, levenshtein(one, other) FROM unnest(%s::text[]) one, unnest(%s::text[]) other",
            [texts, texts],
        )
        plain = {(one, other): apart for one, other, apart in cursor.fetchall()}
    wrong = [
        pair
        for pair, apart in plain.items()
        if not apart / 2 <= letters_apart(*pair) <= apart or letters_apart(*pair) != letters_apart(*pair[::-1])
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        ([], []),
        (["a"], ["a"]),
        (["a", "b", "a"], ["a b a", "a b", "b a", "a", "b"]),
        (["a", "b", "c", "d", "e"], ["a b c d", "b c d e", "a b c", "b c d", "c d e"]),
    ],
)
def test_phrases_are_stretches_of_four_words_at_most_the_longest_first(words, phrases):
    assert phrases_of(words)[: len(phrases)] == phrases


# ---- The list of words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], set()),
        (["Knee MRI, knee", "Rodilla"], {"knee", "mri", "rodilla"}),
        (["X-ray – the “best”"], {"x-ray", "the", "best"}),
        (["Tomografía"], {"tomografia"}),
        (["a 12 2D 71046 1.5 -b-"], {"2d"}),
        (["doctor's"], {"doctors"}),
        (["y" * 60, "z" * 61], {"y" * 60}),
        (["年月 年"], {"年月"}),
    ],
)
def test_words_are_folded_and_have_a_letter_and_two_characters(texts, found):
    assert words_of(texts) == found


def test_word_that_stands_in_a_name_stays_one(db):
    remember_words("en", {"knee"}, {"bring"})
    remember_words("en", {"bring"}, {"knee"})
    remember_words("es", set(), {"knee"})
    rows = Word.objects.order_by("language", "word").values_list("language", "word", "is_name")
    assert list(rows) == [("en", "bring", True), ("en", "knee", True), ("es", "knee", False)]
