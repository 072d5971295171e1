"""Filters and tags every template has."""

import re

from django import template
from django.urls import translate_url
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from practice import markdown as md
from practice.money import dollars as as_dollars
from practice.money import whole_dollars

register = template.Library()
register.filter(whole_dollars)

PHONE = re.compile(r"\([0-9]{3}\) [0-9]{3}-[0-9]{4}", re.ASCII)

OTHER_LANGUAGE = {"en": ("es", "Español"), "es": ("en", "English")}


@register.filter
def dollars(cents: int) -> str:
    """Integer cents as `$1,234.56`."""
    return as_dollars(cents)


@register.filter
def local(row, field: str) -> str:
    """The row's text in the reader's language: `{{ opening|local:"title" }}`."""
    return row.local(field)


@register.filter
def language_of(row, field: str) -> str:
    """The language `local` answers in: `lang="{{ opening|language_of:'title' }}"`."""
    return row.language_of(field)


@register.filter
def markdown(text: str, top_heading: int = 3):
    """Markdown as clean HTML; its first heading level is `top_heading`."""
    return md.render(text, top_heading=top_heading)


@register.filter
def numbers_apart(html: str):
    """HTML in which phone numbers keep their order also where the text is read from right to left."""
    return mark_safe(PHONE.sub(r'<bdi dir="ltr">\g<0></bdi>', html))  # noqa: S308  (the digits of what is HTML already)


@register.filter
def telephone(number: str) -> str:
    """`(574) 555-0100` as the address of a phone link."""
    return "tel:+1" + "".join(digit for digit in number if digit.isdigit())


@register.filter
def to_call(number: str) -> str:
    """`(574) 555-0100` as a phone link, for a sentence: a finger calls what it touches."""
    return format_html('<a href="{}">{}</a>', telephone(number), number)


@register.simple_tag(takes_context=True)
def other_language(context):
    """The same page in the other language, as {code, name, url}; nothing where there is only one."""
    request = context.get("request")
    if request is None:
        return None
    code, name = OTHER_LANGUAGE[translation.get_language()[:2]]
    url = translate_url(request.path, code)
    return {"code": code, "name": name, "url": url} if url != request.path else None


@register.simple_tag(takes_context=True)
def page_addresses(context):
    """The absolute address of this page and of its translations, for the page's head."""
    request = context.get("request")
    if request is None:
        return None
    here = request.build_absolute_uri(request.path)
    return {
        "here": here,
        "translations": {
            code: request.build_absolute_uri(translate_url(request.path, code)) for code in OTHER_LANGUAGE
        },
    }
