"""Tags of the library's templates."""

from django import template

from education import structured_data as data
from practice.json_ld import as_script

register = template.Library()


@register.simple_tag
def structured_data(edition, address, identity):
    """The article's JSON-LD, for the page's head."""
    return as_script(data.structured_data(edition, address, identity))
