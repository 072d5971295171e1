"""What was imported, so that it can be given back and so that edits are noticed."""

from django.db import models


class PackFile(models.Model):
    """A file of a content pack as it was last imported, so that an export gives back the very same bytes.

    It also tells whether somebody has edited the row since: then an import leaves the row alone.
    """

    path = models.CharField(max_length=250, unique=True)
    text = models.TextField()

    class Meta:
        ordering = ["path"]

    def __str__(self):
        return self.path
