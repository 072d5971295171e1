import re

import pytest
from django.core.exceptions import ValidationError

from practice.colours import (
    DARK_PAPER,
    LIGHT_PAPER,
    READABLE,
    contrast,
    luminance,
    mix,
    parse_hex,
    readable_on,
    stylesheet,
    to_hex,
    validate_hex,
)

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
# Corners and middles of the colour cube, and pale ones that are hardest to read on pale paper.
STEPS = (0, 64, 128, 192, 240, 255)
ACCENTS = [(red, green, blue) for red in STEPS for green in STEPS for blue in STEPS]


def variables(accent):
    """The custom properties of the light and of the dark half of the stylesheet."""
    light, _, dark = stylesheet(accent).partition("@media(prefers-color-scheme:dark)")
    return [dict(re.findall(r"(--[a-z-]+):(#[0-9a-f]+)", half)) for half in (light, dark)]


@pytest.mark.parametrize("accent", ["#000000", "#ffffff", "#0b5563", "#abcdef"])
def test_a_colour_is_read_and_written(accent):
    assert to_hex(parse_hex(accent)) == accent
    assert parse_hex(accent.upper()) == parse_hex(accent)


def test_parse_hex_reads_red_green_and_blue():
    assert parse_hex("#0b5563") == (11, 85, 99)


def test_luminance_runs_from_black_to_white():
    assert (luminance(BLACK), luminance(WHITE)) == (0, pytest.approx(1))
    assert luminance((0, 255, 0)) > luminance((255, 0, 0)) > luminance((0, 0, 255))


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21), ("#ffffff", "#ffffff", 1), ("#767676", "#ffffff", 4.54), ("#ff0000", "#ffffff", 4.0)],
)
def test_contrast_is_that_of_wcag_whichever_colour_comes_first(one, other, ratio):
    assert contrast(parse_hex(one), parse_hex(other)) == pytest.approx(ratio, abs=0.005)
    assert contrast(parse_hex(other), parse_hex(one)) == contrast(parse_hex(one), parse_hex(other))


@pytest.mark.parametrize(("share", "mixed"), [(0, BLACK), (0.5, (128, 128, 128)), (1, WHITE)])
def test_mix_takes_a_share_of_the_other_colour(share, mixed):
    assert mix(BLACK, WHITE, share) == mixed


@pytest.mark.parametrize("paper", [LIGHT_PAPER, DARK_PAPER, WHITE, BLACK])
def test_readable_on_gives_a_readable_shade_of_any_colour(paper):
    unreadable = [colour for colour in ACCENTS if contrast(readable_on(colour, paper), paper) < READABLE]
    assert unreadable == []


def test_readable_on_leaves_a_readable_colour_alone():
    assert readable_on((11, 85, 99), LIGHT_PAPER) == (11, 85, 99)


def test_readable_on_goes_no_further_than_it_must():
    assert contrast(readable_on((255, 200, 0), WHITE), WHITE) == pytest.approx(READABLE, abs=0.2)


@pytest.mark.parametrize(
    ("half", "text", "paper"),
    [
        (0, "--accent", to_hex(LIGHT_PAPER)),
        (0, "--accent", "--accent-wash"),
        (0, "--accent-deep", "--accent-wash"),
        (0, "#ffffff", "--accent"),
        (0, "#ffffff", "--accent-deep"),
        (1, "--accent", to_hex(DARK_PAPER)),
        (1, "--accent", "--accent-wash"),
        (1, "--accent-deep", "--accent-wash"),
        (1, "--on-accent", "--accent"),
        (1, "--on-accent", "--accent-deep"),
    ],
)
def test_stylesheet_makes_every_accent_readable(half, text, paper):
    unreadable = []
    for colour in ACCENTS:
        found = variables(to_hex(colour))[half]
        if contrast(parse_hex(found.get(text, text)), parse_hex(found.get(paper, paper))) < READABLE:
            unreadable.append(to_hex(colour))
    assert unreadable == []


def test_stylesheet_of_the_first_accent():
    assert stylesheet("#0b5563") == (
        ":root{--accent:#0b5563;--accent-deep:#073740;--accent-wash:#e3eae8;--on-accent:#fff}"
        "@media(prefers-color-scheme:dark){:root{--accent:#50bed3;--accent-deep:#96d8e5;--accent-wash:#1a3037;"
        "--on-accent:#0b1115}}"
    )


@pytest.mark.parametrize("text", ["#0b5563", "#ABCDEF", "#000000"])
def test_validate_hex_takes_six_digits(text):
    assert validate_hex(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "#fff", "0b5563", "#0b556", "#0b55633", "#0b556g", "red", "#0b5563\n", " #0b5563", "#０b5563", "#fff;}a{b:c"],
)
def test_validate_hex_refuses_everything_else(text):
    with pytest.raises(ValidationError) as refusal:
        validate_hex(text)
    assert refusal.value.messages == ["Write the colour as # and six digits or letters a to f, like #0b5563."]
