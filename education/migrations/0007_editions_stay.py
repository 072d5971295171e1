"""What an edition says is a record: the database refuses to change or delete it."""

from django.db import migrations

STAYS = """
CREATE FUNCTION education_edition_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (
        OLD.article_id, OLD.number, OLD.code, OLD.made_at, OLD.made_by_id, OLD.language, OLD.title, OLD.summary,
        OLD.also_called, OLD.sections, OLD.places, OLD.sources, OLD.digest, OLD.grade
    ) IS NOT DISTINCT FROM (
        NEW.article_id, NEW.number, NEW.code, NEW.made_at, NEW.made_by_id, NEW.language, NEW.title, NEW.summary,
        NEW.also_called, NEW.sections, NEW.places, NEW.sources, NEW.digest, NEW.grade
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the text of an edition stays as it was: % refused', TG_OP
        USING ERRCODE = 'check_violation', CONSTRAINT = 'education_edition_stays';
END $$;
CREATE TRIGGER education_edition_stays BEFORE UPDATE OR DELETE ON education_edition
    FOR EACH ROW EXECUTE FUNCTION education_edition_stays();
"""
MAY_CHANGE = """
DROP TRIGGER education_edition_stays ON education_edition;
DROP FUNCTION education_edition_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("education", "0006_editions")]
    operations = [
        migrations.RunSQL(STAYS, MAY_CHANGE),
    ]
