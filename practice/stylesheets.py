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
UNFINISHED = ".unfinished"
IMPORT = re.compile(r'@import "([a-z-]+\.css)"( print)?;')


def joined() -> str:
    """The whole stylesheet, small."""
    source = Path(str(finders.find(SITE)))

    def part(line: re.Match) -> str:
        rules = (source.parent / line[1]).read_text()
        return f"@media print{{{rules}}}" if line[2] else rules

    return rcssmin.cssmin(IMPORT.sub(part, source.read_text()))


class SiteStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, which finds the stylesheet joined already, and never half a file.

    Anybody on the machine may read static files, unlike what is uploaded: who collects them is not who serves them.
    """

    def __init__(self, *args, **options):
        super().__init__(*args, file_permissions_mode=0o644, directory_permissions_mode=0o755, **options)

    def _save(self, name, content):
        """A file gets its name when it is whole. collectstatic leaves alone what is newer than its source, and makes no
        hashed copy a second time: what a kill or a full disk left half would stay so for good.
        """
        unfinished = super()._save(f"{name}{UNFINISHED}", content)
        Path(self.path(unfinished)).replace(self.path(name))
        return name

    def post_process(self, paths, dry_run=False, **options):
        if not dry_run and SITE in paths:
            self.delete(SITE)
            self.save(SITE, ContentFile(joined()))
            paths = paths | {SITE: (self, SITE)}
        yield from super().post_process(paths, dry_run, **options)
