"""Brings the text of an earlier edition back as the text editors work on. The site does not change by it."""

from django.db import transaction

from education.models import Article, Edition, LocalNote, Section
from education.publishing import keep_edition
from practice.models import Location


@transaction.atomic
def restore(edition: Edition, by=None) -> Edition:
    """Make the article say what it said in this edition; returns the new edition that holds it."""
    article = Article.objects.select_for_update().get(pk=edition.article_id)
    article.title, article.summary, article.also_called = edition.title, edition.summary, edition.also_called
    article.sources = edition.sources
    article.save()
    article.sections.all().delete()
    Section.objects.bulk_create(
        Section(
            article=article,
            kind=section["kind"],
            body=section["body"],
            translated_from=edition.translated_from.get(section["kind"], []),
        )
        for section in edition.sections
    )
    article.local_notes.all().delete()
    locations = Location.objects.in_bulk([place["location"] for place in edition.places], field_name="slug")
    LocalNote.objects.bulk_create(
        LocalNote(article=article, location=locations[place["location"]], body=place["body"])
        for place in edition.places
        if place["location"] in locations
    )
    return keep_edition(article, by, note=f"Restored edition {edition.number}")
