import pytest

from education.paragraphs import carried_over, digest_of, digests_of, paragraphs, plain_text, sentences
from practice import markdown


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("\n  \n\n", []),
        ("One.", ["One."]),
        ("One\ntwo.\n\nThree.", ["One\ntwo.", "Three."]),
        ("One.\n\n\n\nTwo.\n\n", ["One.", "Two."]),
        ("One.\r\n\r\nTwo.", ["One.", "Two."]),
        ("# Heading\nText.", ["# Heading", "Text."]),
        ("Heading\n===\n\nText.", ["Heading\n===", "Text."]),
        ("- a\n- b\n\n  more of b\n\nText.", ["- a\n- b\n\n  more of b", "Text."]),
        ("- a\n\n- b", ["- a\n\n- b"]),
        ("- a\n  1. inside\n- b\n\n3. other\n4. list", ["- a\n  1. inside\n- b", "3. other\n4. list"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nText.", ["| a | b |\n|---|---|\n| 1 | 2 |", "Text."]),
        ("> One.\n>\n> Two.\n\nThree.", ["> One.\n>\n> Two.", "Three."]),
        ("One.\n\n---\n\nTwo.", ["One.", "---", "Two."]),
        ("```\na\n\nb\n```\nText.", ["```\na\n\nb\n```", "Text."]),
        ("Año.\n\n年.", ["Año.", "年."]),
    ],
)
def test_text_is_cut_into_its_blocks(text, blocks):
    assert paragraphs(text) == blocks


@pytest.mark.parametrize(
    "text",
    [
        "One *two*.\n\n## H\n\n- a\n- **b**\n\n1. x\n2. y\n\n| a |\n|---|\n| 1 |\n\n> q\n\n---\n\nEnd.",
        "- a\n\n  b\n- c\n\n\n* other\n\n```\n# no heading\n\n- no list\n```",
        "[a](https://a.example) and\n[b](/b/)\\\nnext line",
        "See [our page][here].\n\nMore.\n\n[here]: https://a.example",
        "Text.\n\n    drawn  with  spaces",
    ],
)
def test_blocks_shown_one_by_one_read_as_the_whole(text):
    links = markdown.references(text)
    assert "".join(markdown.render(block, within=links) for block in paragraphs(text)) == markdown.render(text)


@pytest.mark.parametrize(
    ("one", "other", "are_the_same"),
    [
        ("Lie still.", "Lie still.", True),
        ("Lie still on\nthe table.", "Lie  still on the\n table. ", True),
        ("Lie still.", "Lie still", False),
        ("Lie still.", "lie still.", False),
        ("- Lie still.", "Lie still.", False),
        ("Año", "Ano", False),
    ],
)
def test_how_lines_are_broken_does_not_matter_to_the_name_of_a_paragraph(one, other, are_the_same):
    assert (digest_of(one) == digest_of(other)) is are_the_same


def test_paragraph_is_named_by_16_hex_digits():
    assert digests_of("Hello\nworld.\n\nOther.")[0] == "aa3ec16e6acc809d"
    assert digests_of("") == []


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", ""),
        ("Just words.", "Just words."),
        ("# Heading\n\nOne **two** *three* ~~four~~.", "Heading\nOne two three four."),
        ("One  \ntwo\nthree", "One two three"),
        ("[our page](https://a.example) and `code`", "our page and code"),
        ("- a\n- b\n\n  c", "a\nb\nc"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a\nb\n1\n2"),
        ("```\none  two\nthree\n```", "one two three"),
        ("<b>bold</b> &amp; \\*", "<b>bold</b> & *"),
    ],
)
def test_plain_text_is_the_words_without_marks(text, plain):
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ""),
        ("# Heading\n\nText.", "Text."),
        ("Text without a stop", "Text without a stop."),
        ("Bring these: a list\n\n- one\n- two?\n- three.", "Bring these. a list. one. two? three."),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a. b. 1. 2."),
        ("Wait... then go.", "Wait. then go."),
        ("**Bold** start.\n\n> said", "Bold start. said."),
    ],
)
def test_every_block_but_a_heading_ends_as_a_sentence(text, read):
    assert sentences(text) == read


@pytest.mark.parametrize(
    ("old", "new", "translated_from", "source", "carried"),
    [
        ("A\n\nB", "A\n\nB", ["a", "b"], ["x", "y"], ["a", "b"]),
        ("A\n\nB", "A\n\nRewritten", ["a", "b"], ["a", "y"], ["a", "y"]),
        ("A\n\nB", "A\n\nNew\n\nB", ["a", "b"], ["a", "y", "b"], ["a", "y", "b"]),
        ("A\n\nB", "B", ["a", "b"], ["a", "b"], ["b"]),
        ("A\n\nB", "B\n\nA", ["a", "b"], ["x", "y"], ["b", "a"]),
        ("A\n\nB", "A\nB", ["a", "b"], ["x", "y"], ["x"]),
        ("A", "A\n\nOwn", ["a"], ["a"], ["a", ""]),
        ("", "A\n\nB", [], ["x", "y"], ["x", "y"]),
        ("A\n\nB", "", ["a", "b"], ["x"], []),
        ("A\n\nB", "A\n\nB", [], ["x", "y"], ["x", "y"]),  # it was not known: taken as made from what stands there
        ("A\n\nB", "A\n\nB", ["a"], ["x"], ["x", ""]),
        ("A\n\nOwn", "Rewritten\n\nOwn", ["a", ""], ["x", "new"], ["x", ""]),
    ],
)
def test_what_was_left_alone_stays_and_what_was_rewritten_is_made_from_the_english_now(
    old, new, translated_from, source, carried
):
    assert carried_over(old, new, translated_from, source) == carried
