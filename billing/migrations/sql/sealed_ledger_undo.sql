-- Back to checks leg by leg, without a chain.
DROP TRIGGER billing_chainlink_never_emptied ON billing_chainlink;
DROP TRIGGER billing_chainlink_never_changes ON billing_chainlink;
DROP TRIGGER billing_chainlink_guard ON billing_chainlink;
DROP FUNCTION billing_chainlink_guard();
DELETE FROM billing_chainlink;
SET CONSTRAINTS ALL IMMEDIATE;
DROP TRIGGER billing_journal_seals ON billing_journal;
DROP FUNCTION billing_journal_seals();
DROP FUNCTION billing_seal(bigint);
DROP FUNCTION billing_digest(text, bigint);
DROP FUNCTION billing_journal_text(bigint);
DROP TRIGGER billing_legs_move_statements ON billing_leg;
DROP FUNCTION billing_legs_move_statements();
CREATE FUNCTION billing_leg_moves_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.account = 'receivable' THEN
        PERFORM set_config('billing.ledger_writes', 'on', true);
        IF (SELECT kind FROM billing_journal WHERE id = NEW.journal_id) IN ('charge', 'revision') THEN
            UPDATE billing_statement SET charges_cents = charges_cents + NEW.cents WHERE id = NEW.statement_id;
        ELSE
            UPDATE billing_statement SET applied_cents = applied_cents - NEW.cents WHERE id = NEW.statement_id;
        END IF;
        PERFORM set_config('billing.ledger_writes', 'off', true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER billing_leg_moves_statement AFTER INSERT ON billing_leg
    FOR EACH ROW EXECUTE FUNCTION billing_leg_moves_statement();
CREATE OR REPLACE FUNCTION billing_statement_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('billing.ledger_writes', true), 'off') = 'on' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.charges_cents <> 0 OR NEW.applied_cents <> 0 THEN
            RAISE EXCEPTION 'statement sums start at zero and are moved by the ledger'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_sums_by_ledger';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.charges_cents <> OLD.charges_cents OR NEW.applied_cents <> OLD.applied_cents THEN
        RAISE EXCEPTION 'statement sums are moved by the ledger only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_sums_by_ledger';
    END IF;
    IF NEW.patient_id <> OLD.patient_id OR NEW.number <> OLD.number THEN
        RAISE EXCEPTION 'a statement keeps its number and its patient'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_identity';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION billing_journal_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    journal bigint := coalesce(to_jsonb(NEW)->>'journal_id', to_jsonb(NEW)->>'id')::bigint;
    total bigint;
    legs integer;
BEGIN
    SELECT coalesce(sum(cents), 0), count(*) INTO total, legs FROM billing_leg WHERE journal_id = journal;
    IF total <> 0 OR legs < 2 THEN
        RAISE EXCEPTION 'ledger entry % does not balance', journal
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_journal_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER billing_journal_has_legs AFTER INSERT ON billing_journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_journal_balanced();
CREATE CONSTRAINT TRIGGER billing_leg_balances AFTER INSERT ON billing_leg
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_journal_balanced();
