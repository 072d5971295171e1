"""Pictures that the office uploads to be shown on public pages."""

from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

MOST_PIXELS = 20_000_000
ENDINGS = {"PNG": {".png"}, "JPEG": {".jpg", ".jpeg"}}


def check_picture(file) -> None:
    """A validator of file fields. Raises ValidationError unless this is a PNG or JPEG, and named as what it is.

    Browsers go by the type we send, and that goes by the name.
    """
    file.seek(0)
    try:
        with Image.open(file, formats=tuple(ENDINGS)) as picture:
            kind = picture.format if picture.width * picture.height <= MOST_PIXELS else None
            if kind:
                picture.load()
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        kind = None
    file.seek(0)
    if kind is None or Path(file.name).suffix.lower() not in ENDINGS[kind]:
        raise ValidationError(_("Choose a PNG or JPEG picture whose name ends in .png or .jpg."), code="picture")
