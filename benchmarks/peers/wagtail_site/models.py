from typing import ClassVar

from wagtail import blocks
from wagtail.fields import StreamField
from wagtail.models import Page


class ContentPage(Page):
    """A page whose text is a stream of rich text, as an editor of Wagtail would have it."""

    body = StreamField([("text", blocks.RichTextBlock())], blank=True)

    content_panels: ClassVar = [*Page.content_panels, "body"]

    def get_template(self, request, *args, **kwargs):
        return f"{self.slug}.html"
