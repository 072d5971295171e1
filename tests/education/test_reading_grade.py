from itertools import pairwise

import pytest

from education.reading_grade import grade_of, hard_words

# From the easiest to the hardest.
ENGLISH = [
    "The cat sat on the mat. We ran to it. It was a big red cat.",
    "Lie still on the table. The exam takes ten minutes. You can eat and drink before it, and go home after it.",
    "You will lie on a table that slides into a large ring. The machine takes pictures while you hold your breath. "
    "A nurse may put a small tube into a vein in your arm.",
    "Most patients experience only minor discomfort during this procedure, although some describe a temporary "
    "sensation of warmth when the contrast material is injected into a vein.",
    "Percutaneous radiofrequency ablation necessitates multidisciplinary preprocedural evaluation, including "
    "comprehensive coagulation assessment and cross-sectional imaging characterization.",
]
SPANISH = [
    "El gato come pan. Mi casa es azul. Yo voy al sol.",
    "Usted se acuesta en una mesa que entra en un aro grande. La máquina toma imágenes mientras aguanta la "
    "respiración. La enfermera puede ponerle un tubo pequeño en el brazo.",
    "La mayoría de los pacientes siente solamente una molestia pasajera durante el procedimiento, aunque algunas "
    "personas describen una sensación de calor cuando se inyecta el medio de contraste.",
    "La administración intravenosa del medio de contraste yodado requiere una valoración multidisciplinaria "
    "preprocedimental, incluyendo la determinación exhaustiva de parámetros de coagulación y caracterización "
    "morfológica.",
]


@pytest.mark.parametrize(("language", "texts"), [("en", ENGLISH), ("es", SPANISH)])
def test_harder_text_has_a_higher_grade(language, texts):
    grades = [grade_of([text], language) for text in texts]
    assert [easier < harder for easier, harder in pairwise(grades)] == [True] * (len(texts) - 1), grades


@pytest.mark.parametrize(
    ("language", "text", "low", "high"),
    [
        ("en", ENGLISH[0], 0, 2),
        ("en", ENGLISH[2], 1, 8),
        ("en", ENGLISH[3], 12, 18),
        ("en", ENGLISH[4], 18, 40),
        ("es", SPANISH[0], 4, 5),
        ("es", SPANISH[1], 5, 8.5),
        ("es", SPANISH[3], 16, 20),
    ],
)
def test_grade_is_about_that_of_a_school_year(language, text, low, high):
    assert low <= grade_of([text], language) <= high


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    "texts", [[], [""], ["", "\n"], ["# Only a heading"], ["---"], ["- \n- "], ["![](x.png)"], ["?! …"]]
)
def test_text_without_words_has_grade_zero(language, texts):
    assert (grade_of(texts, language), hard_words(texts, language)) == (0, [])


@pytest.mark.parametrize(
    ("text", "as_hard_as"),
    [
        ("# Percutaneous radiofrequency ablation evaluation\n\n{}", "{}"),
        ("{}\n\n## Multidisciplinary characterization", "{}"),
        ("**{}**", "{}"),
        ("> {}", "{}"),
        ("[{}](https://multidisciplinary.example/characterization)", "{}"),
        ("- Lie still.\n- Hold on.\n- {}", "Lie still. Hold on. {}"),
        ("1. Lie still\n2. Hold on\n3. {}", "Lie still. Hold on. {}"),
        ("| Lie still | Hold on |\n|---|---|\n| Go | {} |", "Lie still. Hold on. Go. {}"),
        ("Do this:\n\n{}", "Do this. {}"),
        ("{}\n\n{}", "{} {}"),
    ],
)
@pytest.mark.parametrize(("language", "sentence"), [("en", ENGLISH[2]), ("es", SPANISH[1])])
def test_headings_and_marks_do_not_count(language, sentence, text, as_hard_as):
    count = text.count("{}")
    plain = as_hard_as.format(*[sentence] * count)
    assert grade_of([text.format(*[sentence] * count)], language) == grade_of([plain], language)


def test_texts_are_graded_together():
    assert grade_of([ENGLISH[0], "", ENGLISH[3]], "en") == grade_of([f"{ENGLISH[0]} {ENGLISH[3]}"], "en")


def test_one_language_does_not_disturb_the_other():
    first = [grade_of([ENGLISH[2]], "en"), grade_of([SPANISH[1]], "es")]
    assert [grade_of([ENGLISH[2]], "en"), grade_of([SPANISH[1]], "es")] == first
    assert grade_of([SPANISH[1]], "en") != first[1]


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("en", "The ablation is a procedure. Ablation!", ["ablation", "procedure"]),
        ("en", "PERCUTANEOUS (multidisciplinary) evaluation", ["percutaneous", "multidisciplinary", "evaluation"]),
        ("en", "Cross-sectional and low-dose pictures.", ["cross-sectional"]),
        ("en", "A radius or a fibula.", []),  # short enough
        ("en", "Scanning stretches, swallowed quickly.", []),  # an ending is no difficulty
        ("en", "Your doctor, an appointment and insurance tomorrow.", []),  # everybody who comes here knows them
        ("en", "- Embolization\n\n| Mammography |\n|---|\n| x |", ["embolization", "mammography"]),
        ("en", "COVID19 12345678", []),
        ("es", "La administración de un medio preprocedimental.", ["administración", "preprocedimental"]),
        ("es", "Una vertebroplastia y una resonancia.", ["vertebroplastia"]),
        ("es", "Normalmente, su radiólogo lo hace rápidamente.", []),
        ("es", "Quédese quieto en la mesa.", []),
    ],
)
def test_hard_words_are_the_long_ones_in_order_and_once(language, text, found):
    assert hard_words([text], language) == found


def test_hard_words_of_a_heading_do_not_count():
    assert hard_words(["# Embolization\n\nAn ablation.", "More ablation, and biopsies of vertebrae."], "en") == [
        "ablation",
        "vertebrae",
    ]
