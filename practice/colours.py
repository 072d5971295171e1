"""The practice picks one accent colour; this works out shades of it that people can read, in light and in dark."""

import colorsys
import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

Colour = tuple[int, int, int]

LIGHT_PAPER: Colour = (0xFB, 0xFA, 0xF7)
DARK_PAPER: Colour = (0x10, 0x17, 0x1C)
READABLE = 4.5  # WCAG 2.2 AA contrast of text
HEX = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)


def parse_hex(text: str) -> Colour:
    """Red, green and blue, 0 to 255, of `#rrggbb`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def to_hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 (black) to 1 (white), as WCAG defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio, 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def readable_on(colour: Colour, paper: Colour) -> Colour:
    """The colour, made darker (on light paper) or lighter (on dark) only as far as it takes to be read there."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    end = 0.0 if luminance(paper) > 0.5 else 1.0
    shade = colour
    for step in range(101):
        shaded = colorsys.hls_to_rgb(hue, lightness + (end - lightness) * step / 100, saturation)
        red, green, blue = (round(part * 255) for part in shaded)
        shade = red, green, blue
        if contrast(shade, paper) >= READABLE:
            break
    return shade


def stylesheet(accent: str) -> str:
    """The few lines of CSS that give the pages the practice's colour."""
    colour = parse_hex(accent)
    wash = mix(LIGHT_PAPER, colour, 0.1)
    light = readable_on(colour, wash)
    dark = mix(readable_on(colour, mix(DARK_PAPER, (255, 255, 255), 0.12)), (255, 255, 255), 0.25)
    return (
        f":root{{--accent:{to_hex(light)};--accent-deep:{to_hex(mix(light, (0, 0, 0), 0.35))};"
        f"--accent-wash:{to_hex(wash)};--on-accent:#fff}}"
        f"@media(prefers-color-scheme:dark){{:root{{--accent:{to_hex(dark)};"
        f"--accent-deep:{to_hex(mix(dark, (255, 255, 255), 0.4))};"
        f"--accent-wash:{to_hex(mix(dark, DARK_PAPER, 0.85))};--on-accent:#0b1115}}}}"
    )


def validate_hex(text: str) -> None:
    if not HEX.fullmatch(text):
        raise ValidationError(_("Write the colour as # and six digits or letters a to f, like #0b5563."))
