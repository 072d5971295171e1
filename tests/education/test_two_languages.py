from itertools import product

import pytest

from education.two_languages import Row, rows, section_rows, stale_count

SAME, STALE = False, True


@pytest.mark.parametrize(
    ("translated_from", "english", "expected"),
    [
        ("", "", []),
        ("ab", "ab", [(0, 0, SAME), (1, 1, SAME)]),
        ("ab", "ax", [(0, 0, SAME), (1, 1, STALE)]),  # changed
        ("ab", "abx", [(0, 0, SAME), (1, 1, SAME), (None, 2, STALE)]),  # new at the end
        ("ab", "axb", [(0, 0, SAME), (None, 1, STALE), (1, 2, SAME)]),  # new in between
        ("ab", "xab", [(None, 0, STALE), (0, 1, SAME), (1, 2, SAME)]),  # new at the start
        ("abc", "ac", [(0, 0, SAME), (1, None, STALE), (2, 1, SAME)]),  # no longer there
        ("abc", "axyc", [(0, 0, SAME), (1, 1, STALE), (None, 2, STALE), (2, 3, SAME)]),  # one became two
        ("abc", "xc", [(0, 0, STALE), (1, None, STALE), (2, 1, SAME)]),  # two became one
        ("", "ab", [(None, 0, STALE), (None, 1, STALE)]),  # nothing is translated
        ("ab", "", [(0, None, STALE), (1, None, STALE)]),  # nothing is left
        ("ab", "xy", [(0, 0, STALE), (1, 1, STALE)]),
        ("aa", "a", [(0, 0, SAME), (1, None, STALE)]),
        ("a-", "a", [(0, 0, SAME), (1, None, SAME)]),  # the translation's own
        ("-a", "a", [(0, None, SAME), (1, 0, SAME)]),
        ("a-", "ax", [(0, 0, SAME), (1, 1, STALE)]),
    ],
)
def test_paragraphs_stand_beside_the_english_they_were_made_from(translated_from, english, expected):
    found = rows(["" if one == "-" else one for one in translated_from], list(english))
    assert list(found) == [Row(*row) for row in expected]


def test_two_that_changed_places_are_marked_once_each_way():
    assert sum(row.is_stale for row in rows(["a", "b"], ["b", "a"])) == 2


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_paragraph_of_both_stands_in_one_row_and_unmarked_rows_say_the_same(count):
    wrong = []
    for before, after in product(product(["a", "b", ""], repeat=count), product("abc", repeat=3)):
        for english in (after[:length] for length in range(4)):
            found = list(rows(list(before), list(english)))
            here = [row.translated for row in found if row.translated is not None]
            there = [row.english for row in found if row.english is not None]
            pairs = [(row.translated, row.english) for row in found if not row.is_stale]
            unlike = [
                (own, other)
                for own, other in pairs
                if own is None or before[own] != (english[other] if other is not None else "")
            ]
            if here != list(range(count)) or there != list(range(len(english))) or unlike:
                wrong.append((before, english, found))
    assert wrong == []


@pytest.mark.parametrize(
    ("count", "translated_from", "english", "expected"),
    [
        (2, ["a", "b"], ["a", "x"], [Row(0, 0), Row(1, 1, True)]),
        (0, [], [], []),
        (0, [], ["a"], [Row(None, 0, True)]),
        (2, [], ["a", "b"], [Row(0, 0), Row(1, 1)]),  # it was never noted, but they are as many
        (1, [], ["a", "b"], None),
        (2, ["a"], ["a", "b"], None),
        (2, ["a", "b", "c"], ["a", "b"], None),
    ],
)
def test_section_has_no_rows_where_it_is_not_known_what_belongs_together(count, translated_from, english, expected):
    assert section_rows(count, translated_from, english) == expected


@pytest.mark.parametrize(
    ("counts", "translated_from", "english", "expected"),
    [
        ({}, {}, {}, 0),
        ({"why": 2}, {"why": ["a", "b"]}, {"why": ["a", "b"]}, 0),
        ({"why": 2}, {"why": ["a", "b"]}, {"why": ["a", "x"]}, 1),
        ({"why": 2, "risks": 1}, {"why": ["a", "b"], "risks": ["c"]}, {"why": ["x", "y"], "risks": ["z"]}, 3),
        ({"why": 1}, {"why": ["a"]}, {"why": ["a"], "risks": ["b", "c"]}, 2),  # a whole section is new
        ({"why": 1, "risks": 2}, {"why": ["a"], "risks": ["b", "c"]}, {"why": ["a"]}, 2),  # and one is gone
        ({"why": 2}, {"why": ["a", ""]}, {"why": ["a"]}, 0),  # the translation's own
        ({"why": 2}, {}, {"why": ["a", "b"]}, 0),
        ({"why": 1}, {}, {"why": ["a", "b"]}, 1),  # not known which belong together: look at it
        ({"why": 1}, {"why": ["a", "b"]}, {"why": ["a", "b"]}, 0),  # two were made one, from all there is
        ({"why": 1}, {"why": ["a", "b"]}, {"why": ["a", "x"]}, 1),
    ],
)
def test_translator_is_told_how_many_paragraphs_to_look_at(counts, translated_from, english, expected):
    assert stale_count(counts, translated_from, english) == expected
