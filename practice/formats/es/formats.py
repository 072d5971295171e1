"""Spanish is written here for people of the United States, too."""

from practice.formats.en.formats import TIME_INPUT_FORMATS

__all__ = ["TIME_INPUT_FORMATS"]
