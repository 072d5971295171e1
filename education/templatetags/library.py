"""Tags of the library's templates."""

from django import template

from education import structured_data as data

register = template.Library()


@register.simple_tag
def structured_data(edition, address, identity):
    """The article's JSON-LD, for the page's head."""
    return data.as_script(data.structured_data(edition, address, identity))
