from django.db import migrations

FORWARD = """
CREATE FUNCTION accounts_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the access log keeps what was written: % refused', TG_OP
        USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_never_changes';
END $$;
CREATE TRIGGER accounts_accessentry_never_changes BEFORE UPDATE OR DELETE ON accounts_accessentry
    FOR EACH ROW EXECUTE FUNCTION accounts_never_changes();
CREATE TRIGGER accounts_accessentry_never_emptied BEFORE TRUNCATE ON accounts_accessentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_never_changes();
"""

BACKWARD = """
DROP TRIGGER accounts_accessentry_never_emptied ON accounts_accessentry;
DROP TRIGGER accounts_accessentry_never_changes ON accounts_accessentry;
DROP FUNCTION accounts_never_changes();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_users_and_access_log")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
