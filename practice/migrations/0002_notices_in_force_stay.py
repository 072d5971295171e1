"""What a notice said while it was in force is a record: the database refuses to change or delete it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION practice_noticeversion_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A day of UTC: in America the last hours before a version begins count too.
    IF OLD.effective_on <= current_date OR (TG_OP = 'UPDATE' AND NEW.effective_on < current_date) THEN
        RAISE EXCEPTION 'a notice that has been in force stays as it was: % refused', TG_OP
            USING ERRCODE = 'check_violation', CONSTRAINT = 'practice_noticeversion_stays';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER practice_noticeversion_stays BEFORE UPDATE OR DELETE ON practice_noticeversion
    FOR EACH ROW EXECUTE FUNCTION practice_noticeversion_stays();
"""

BACKWARD = """
DROP TRIGGER practice_noticeversion_stays ON practice_noticeversion;
DROP FUNCTION practice_noticeversion_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("practice", "0001_practice")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
