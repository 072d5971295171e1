
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.utils.timezone
from django.db import migrations, models


# library_en and library_es stem a word after taking its accents off, so that tomografia finds tomografía.
EXTENSIONS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;
"""
CONFIGURATIONS = """
CREATE TEXT SEARCH CONFIGURATION library_en (COPY = english);
ALTER TEXT SEARCH CONFIGURATION library_en
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;
CREATE TEXT SEARCH CONFIGURATION library_es (COPY = spanish);
ALTER TEXT SEARCH CONFIGURATION library_es
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, spanish_stem;
"""
NO_CONFIGURATIONS = """
DROP TEXT SEARCH CONFIGURATION library_es;
DROP TEXT SEARCH CONFIGURATION library_en;
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL(EXTENSIONS, migrations.RunSQL.noop),  # others use them too, so they stay
        migrations.RunSQL(CONFIGURATIONS, NO_CONFIGURATIONS),
        migrations.CreateModel(
            name='MissedSearch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(choices=[('en', 'English'), ('es', 'Spanish')], max_length=2, verbose_name='language')),
                ('words', models.CharField(max_length=60, verbose_name='searched for')),
                ('count', models.PositiveIntegerField(default=1, verbose_name='times')),
                ('last_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last time')),
                ('handled_at', models.DateTimeField(blank=True, null=True, verbose_name='dealt with')),
            ],
            options={
                'verbose_name': 'search without a result',
                'verbose_name_plural': 'searches without a result',
                'ordering': ['-count', '-last_at'],
                'constraints': [models.UniqueConstraint(fields=('language', 'words'), name='search_missed_once')],
            },
        ),
        migrations.CreateModel(
            name='SynonymGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(choices=[('en', 'English'), ('es', 'Spanish')], max_length=2, verbose_name='language')),
                ('text', models.CharField(help_text='With = between: cat scan = ct scan', max_length=500, verbose_name='words that mean the same')),
                ('keys', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=250), editable=False, size=None)),
            ],
            options={
                'verbose_name': 'search synonyms',
                'verbose_name_plural': 'search synonyms',
                'ordering': ['language', 'text'],
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['keys'], name='search_synonymgroup_keys')],
                'constraints': [models.UniqueConstraint(fields=('language', 'text'), name='search_synonymgroup_once', violation_error_message='These words are already there.'), models.CheckConstraint(condition=models.Q(('keys__len__gte', 2)), name='search_synonymgroup_several')],
            },
        ),
        migrations.CreateModel(
            name='Word',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(choices=[('en', 'English'), ('es', 'Spanish')], max_length=2)),
                ('word', models.CharField(max_length=60)),
                ('is_name', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('word'), name='gin_trgm_ops'), name='search_word_alike'), models.Index(django.contrib.postgres.indexes.OpClass(models.F('word'), name='text_pattern_ops'), name='search_word_prefix'), models.Index(models.Func(models.F('word'), function='dmetaphone'), name='search_word_sound')],
                'constraints': [models.UniqueConstraint(fields=('word', 'language'), name='search_word_once')],
            },
        ),
    ]
