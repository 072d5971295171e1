"""A version of a notice holds its text in more languages. They are part of the record, like the version itself."""

import django.db.models.deletion
from django.db import migrations, models

from practice.accounts.change_log import track
from practice.accounts.roles import ADMINISTRATOR, grant

grant_texts, take_back = grant("practice", {ADMINISTRATOR: {"noticetranslation": "va"}})
STAY = """
CREATE FUNCTION practice_noticetranslation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND EXISTS (
        SELECT FROM practice_noticeversion v WHERE v.id = OLD.version_id AND v.effective_on <= current_date
    ) OR TG_OP <> 'DELETE' AND EXISTS (
        -- A day of UTC: in the evening of America it is tomorrow there, and today's version is still being written.
        SELECT FROM practice_noticeversion v WHERE v.id = NEW.version_id AND v.effective_on < current_date - 1
    ) THEN
        RAISE EXCEPTION 'a notice that has been in force stays as it was: % refused', TG_OP
            USING ERRCODE = 'check_violation', CONSTRAINT = 'practice_noticetranslation_stays';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER practice_noticetranslation_stays BEFORE INSERT OR UPDATE OR DELETE ON practice_noticetranslation
    FOR EACH ROW EXECUTE FUNCTION practice_noticetranslation_stays();
"""
GO = """
DROP TRIGGER practice_noticetranslation_stays ON practice_noticetranslation;
DROP FUNCTION practice_noticetranslation_stays();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("practice", "0007_feedback_routing"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoticeTranslation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "language",
                    models.CharField(
                        choices=[
                            ("sq", "Albanian (shqip)"),
                            ("am", "Amharic (አማርኛ)"),
                            ("ar", "Arabic (العربيّة)"),
                            ("hy", "Armenian (հայերեն)"),
                            ("bn", "Bengali (বাংলা)"),
                            ("my", "Burmese (မြန်မာဘာသာ)"),
                            ("chr", "Cherokee (ᏣᎳᎩ)"),
                            ("nl", "Dutch (Nederlands)"),
                            ("fr", "French (français)"),
                            ("de", "German (Deutsch)"),
                            ("el", "Greek (Ελληνικά)"),
                            ("gu", "Gujarati (ગુજરાતી)"),
                            ("ht", "Haitian Creole (Kreyòl Ayisyen)"),
                            ("haw", "Hawaiian (ʻŌlelo Hawaiʻi)"),
                            ("hi", "Hindi (हिंदी)"),
                            ("hmn", "Hmong (Hmoob)"),
                            ("hu", "Hungarian (Magyar)"),
                            ("ilo", "Ilocano (Ilokano)"),
                            ("it", "Italian (italiano)"),
                            ("ja", "Japanese (日本語)"),
                            ("km", "Khmer (ភាសាខ្មែរ)"),
                            ("ko", "Korean (한국어)"),
                            ("lo", "Lao (ລາວ)"),
                            ("nv", "Navajo (Diné bizaad)"),
                            ("ne", "Nepali (नेपाली)"),
                            ("om", "Oromo (Afaan Oromoo)"),
                            ("pdc", "Pennsylvania Dutch (Deitsch)"),
                            ("fa", "Persian (فارسی)"),
                            ("pl", "Polish (polski)"),
                            ("pt", "Portuguese (Português)"),
                            ("pa", "Punjabi (ਪੰਜਾਬੀ)"),
                            ("ro", "Romanian (Română)"),
                            ("ru", "Russian (Русский)"),
                            ("sr", "Serbian (српски)"),
                            ("zh-hans", "Simplified Chinese (简体中文)"),
                            ("so", "Somali (Soomaali)"),
                            ("sw", "Swahili (Kiswahili)"),
                            ("tl", "Tagalog (Tagalog)"),
                            ("ta", "Tamil (தமிழ்)"),
                            ("te", "Telugu (తెలుగు)"),
                            ("th", "Thai (ภาษาไทย)"),
                            ("ti", "Tigrinya (ትግርኛ)"),
                            ("zh-hant", "Traditional Chinese (繁體中文)"),
                            ("uk", "Ukrainian (Українська)"),
                            ("ur", "Urdu (اردو)"),
                            ("vi", "Vietnamese (Tiếng Việt)"),
                            ("yi", "Yiddish (ייִדיש)"),
                            ("yo", "Yoruba (Yorùbá)"),
                        ],
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                (
                    "body",
                    models.TextField(
                        help_text="Markdown. As a qualified translator, or the agency, worded it.", verbose_name="text"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="translations",
                        to="practice.noticeversion",
                        verbose_name="version",
                    ),
                ),
            ],
            options={
                "verbose_name": "text in another language",
                "verbose_name_plural": "texts in other languages",
                "ordering": ["version", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("version", "language"),
                        name="practice_noticetranslation_once_each",
                        violation_error_message="This version already has a text in this language.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "language__in",
                                [
                                    "am",
                                    "ar",
                                    "bn",
                                    "chr",
                                    "de",
                                    "el",
                                    "fa",
                                    "fr",
                                    "gu",
                                    "haw",
                                    "hi",
                                    "hmn",
                                    "ht",
                                    "hu",
                                    "hy",
                                    "ilo",
                                    "it",
                                    "ja",
                                    "km",
                                    "ko",
                                    "lo",
                                    "my",
                                    "ne",
                                    "nl",
                                    "nv",
                                    "om",
                                    "pa",
                                    "pdc",
                                    "pl",
                                    "pt",
                                    "ro",
                                    "ru",
                                    "so",
                                    "sq",
                                    "sr",
                                    "sw",
                                    "ta",
                                    "te",
                                    "th",
                                    "ti",
                                    "tl",
                                    "uk",
                                    "ur",
                                    "vi",
                                    "yi",
                                    "yo",
                                    "zh-hans",
                                    "zh-hant",
                                ],
                            )
                        ),
                        name="practice_noticetranslation_language_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(STAY, GO),
        track("practice_noticetranslation"),
        migrations.RunPython(grant_texts, take_back),
    ]
