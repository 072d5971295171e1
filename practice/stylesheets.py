"""The site's one stylesheet: written in parts, sent as one file without what only its authors need.

`site.css` names its parts by @import, which browsers follow while the site is developed; collectstatic joins them.
"""

import re
from pathlib import Path

import rcssmin
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

SITE = "css/site.css"
IMPORT = re.compile(r'@import "([a-z-]+\.css)";')


def joined() -> str:
    """The whole stylesheet, small."""
    source = Path(str(finders.find(SITE)))
    whole = IMPORT.sub(lambda part: (source.parent / part[1]).read_text(), source.read_text())
    return rcssmin.cssmin(whole)


class SiteStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, which finds the stylesheet joined already."""

    def post_process(self, paths, dry_run=False, **options):
        if not dry_run and SITE in paths:
            self.delete(SITE)
            self.save(SITE, ContentFile(joined()))
            paths = paths | {SITE: (self, SITE)}
        yield from super().post_process(paths, dry_run, **options)
