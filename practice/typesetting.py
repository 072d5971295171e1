"""The typeface of what typst sets; it comes as a package, since typst brings none without serifs."""

from importlib.resources import files

FONTS = str(files("font_lato") / "files")
FONT = "Lato"
