"""Versions and confirmations are records: of a version only its end can be moved, of a confirmation nothing."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION resources_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - '{expires_on,withdrawn_at}'::text[] = to_jsonb(OLD) - '{expires_on,withdrawn_at}'::text[]
            AND (OLD.withdrawn_at IS NULL OR NEW.withdrawn_at = OLD.withdrawn_at) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a version of a document stays as it is: % refused', TG_OP
        USING ERRCODE = 'check_violation', CONSTRAINT = 'resources_version_stays';
END $$;
CREATE TRIGGER resources_version_stays BEFORE UPDATE OR DELETE ON resources_version
    FOR EACH ROW EXECUTE FUNCTION resources_version_stays();
CREATE TRIGGER resources_version_stays_whole BEFORE TRUNCATE ON resources_version
    FOR EACH STATEMENT EXECUTE FUNCTION resources_version_stays();

CREATE FUNCTION resources_acknowledgement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what somebody confirmed stays: % refused', TG_OP
        USING ERRCODE = 'check_violation', CONSTRAINT = 'resources_acknowledgement_stays';
END $$;
CREATE TRIGGER resources_acknowledgement_stays BEFORE UPDATE OR DELETE ON resources_acknowledgement
    FOR EACH ROW EXECUTE FUNCTION resources_acknowledgement_stays();
CREATE TRIGGER resources_acknowledgement_stays_whole BEFORE TRUNCATE ON resources_acknowledgement
    FOR EACH STATEMENT EXECUTE FUNCTION resources_acknowledgement_stays();
"""

BACKWARD = """
DROP TRIGGER resources_version_stays ON resources_version;
DROP TRIGGER resources_version_stays_whole ON resources_version;
DROP FUNCTION resources_version_stays();
DROP TRIGGER resources_acknowledgement_stays ON resources_acknowledgement;
DROP TRIGGER resources_acknowledgement_stays_whole ON resources_acknowledgement;
DROP FUNCTION resources_acknowledgement_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("resources", "0008_ordering_guide_and_contacts")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
