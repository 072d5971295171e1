"""Static files are there whole or not at all."""

import pytest
from django.core.files.base import ContentFile

from practice.stylesheets import SiteStaticFilesStorage


class CutShort(ContentFile):
    """As when the disk is full half-way, or collectstatic is killed."""

    def chunks(self, chunk_size=None):
        yield self.read(10)
        raise OSError(28, "No space left on device")


def test_static_file_has_its_name_when_it_is_whole(tmp_path):
    storage = SiteStaticFilesStorage(location=tmp_path, base_url="/static/")
    with pytest.raises(OSError, match="No space"):
        storage.save("js/site.js", CutShort(b"let whole = true;"))
    assert not storage.exists("js/site.js")

    storage.save("js/site.js", ContentFile(b"let whole = true;"))

    assert (tmp_path / "js" / "site.js").read_bytes() == b"let whole = true;"
