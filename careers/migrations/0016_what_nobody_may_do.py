"""What may never happen, whoever tries: the database refuses it.

An opening does not close, and no longer shows, while somebody waits for an answer. What is on legal hold stays. A
certificate stays as it was made. Of the voluntary questions only counts of five or more leave the table, in steps of
five, and of five more answers at a time: so that no count moves by the one person who has just answered.
"""

from django.db import migrations

OPENINGS = """
CREATE FUNCTION careers_refuse_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM careers_application WHERE opening_id = NEW.id
               AND status NOT IN ('hired', 'declined', 'withdrawn', 'merged')) THEN
        RAISE EXCEPTION 'an applicant for this opening waits for an answer'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'careers_opening_all_answered';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER careers_refuse_closing BEFORE UPDATE OF status ON careers_opening FOR EACH ROW
    WHEN (NEW.status <> 'open' AND OLD.status = 'open') EXECUTE FUNCTION careers_refuse_closing();

CREATE FUNCTION careers_refuse_for_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_is text;
BEGIN
    SELECT status INTO now_is FROM careers_opening WHERE id = NEW.opening_id FOR SHARE;
    IF now_is <> 'open' THEN
        RAISE EXCEPTION 'this opening is not open'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'careers_application_opening_open';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER careers_refuse_for_closed BEFORE INSERT ON careers_application
    FOR EACH ROW WHEN (NEW.status NOT IN ('hired', 'declined', 'withdrawn', 'merged'))
    EXECUTE FUNCTION careers_refuse_for_closed();
CREATE TRIGGER careers_refuse_waiting_again BEFORE UPDATE ON careers_application
    FOR EACH ROW WHEN (NEW.status NOT IN ('hired', 'declined', 'withdrawn', 'merged')
                       AND (OLD.status IN ('hired', 'declined', 'withdrawn', 'merged')
                            OR OLD.opening_id <> NEW.opening_id))
    EXECUTE FUNCTION careers_refuse_for_closed();
"""
OPENINGS_BACK = """
DROP TRIGGER careers_refuse_waiting_again ON careers_application;
DROP TRIGGER careers_refuse_for_closed ON careers_application;
DROP FUNCTION careers_refuse_for_closed();
DROP TRIGGER careers_refuse_closing ON careers_opening;
DROP FUNCTION careers_refuse_closing();
"""
HOLDS = """
CREATE FUNCTION careers_refuse_deleting_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM careers_legalhold WHERE application_id = OLD.id AND released_at IS NULL) THEN
        RAISE EXCEPTION 'this application is on legal hold'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'careers_application_not_on_hold';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER careers_refuse_deleting_held BEFORE DELETE ON careers_application FOR EACH ROW
    EXECUTE FUNCTION careers_refuse_deleting_held();
CREATE FUNCTION careers_refuse_forgetting_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a legal hold is released, not deleted'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'careers_legalhold_released_first';
END $$;
CREATE TRIGGER careers_refuse_forgetting_hold BEFORE DELETE ON careers_legalhold FOR EACH ROW
    WHEN (OLD.released_at IS NULL) EXECUTE FUNCTION careers_refuse_forgetting_hold();
"""
HOLDS_BACK = """
DROP TRIGGER careers_refuse_forgetting_hold ON careers_legalhold;
DROP FUNCTION careers_refuse_forgetting_hold();
DROP TRIGGER careers_refuse_deleting_held ON careers_application;
DROP FUNCTION careers_refuse_deleting_held();
"""
CERTIFICATES = """
CREATE FUNCTION careers_certificate_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a certificate of deletion stays as it was made: % refused', TG_OP;
END $$;
CREATE TRIGGER careers_certificate_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON careers_certificate
    FOR EACH STATEMENT EXECUTE FUNCTION careers_certificate_stays();
"""
CERTIFICATES_BACK = """
DROP TRIGGER careers_certificate_stays ON careers_certificate;
DROP FUNCTION careers_certificate_stays();
"""
SURVEY = """
CREATE FUNCTION careers_count_survey() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    UPDATE careers_surveyanswer SET is_counted = true WHERE NOT is_counted AND role IN (
        SELECT role FROM careers_surveyanswer WHERE NOT is_counted GROUP BY role HAVING count(*) >= 5);
    RETURN NULL;
END $$;
CREATE TRIGGER careers_count_survey AFTER INSERT ON careers_surveyanswer FOR EACH STATEMENT
    EXECUTE FUNCTION careers_count_survey();
CREATE FUNCTION careers_survey_counts() RETURNS TABLE (role text, question text, answer text, answers bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT role::text, 'sex', sex::text, count(*) / 5 * 5 FROM careers_surveyanswer WHERE is_counted
    GROUP BY role, sex HAVING count(*) >= 5
    UNION ALL
    SELECT role::text, 'ethnicity', ethnicity::text, count(*) / 5 * 5 FROM careers_surveyanswer WHERE is_counted
    GROUP BY role, ethnicity HAVING count(*) >= 5
$$;
"""
SURVEY_BACK = """
DROP FUNCTION careers_survey_counts();
DROP TRIGGER careers_count_survey ON careers_surveyanswer;
DROP FUNCTION careers_count_survey();
"""


class Migration(migrations.Migration):
    dependencies = [("careers", "0015_survey")]
    operations = [
        migrations.RunSQL(OPENINGS, OPENINGS_BACK),
        migrations.RunSQL(HOLDS, HOLDS_BACK),
        migrations.RunSQL(CERTIFICATES, CERTIFICATES_BACK),
        migrations.RunSQL(SURVEY, SURVEY_BACK),
    ]
