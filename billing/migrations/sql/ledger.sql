-- What may never be false about money, held by the database itself, whoever writes.

-- Legs move the two sums on the statement. The UPDATE serialises writers and the CHECKs see the newest row,
-- so no interleaving can apply more than was charged.
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

-- The two sums are the ledger's to write: nobody sets them by hand.
CREATE FUNCTION billing_statement_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER billing_statement_guard BEFORE INSERT OR UPDATE ON billing_statement
    FOR EACH ROW EXECUTE FUNCTION billing_statement_guard();

-- At commit every journal has at least two legs and they add up to zero.
-- (to_jsonb: in a function of two tables plpgsql refuses NEW.journal_id for the one that has none.)
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

-- At commit the lines of a statement add up to what the ledger says was charged.
CREATE FUNCTION billing_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb := coalesce(to_jsonb(NEW), to_jsonb(OLD));
    statement bigint := coalesce(changed->>'statement_id', changed->>'id')::bigint;
BEGIN
    IF (SELECT coalesce(sum(patient_cents), 0) FROM billing_statementline WHERE statement_id = statement)
        <> (SELECT charges_cents FROM billing_statement WHERE id = statement) THEN
        RAISE EXCEPTION 'the lines of statement % do not add up to its charges', statement
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_lines_add_up';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER billing_lines_add_up AFTER INSERT OR UPDATE OR DELETE ON billing_statementline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_lines_add_up();
CREATE CONSTRAINT TRIGGER billing_statement_lines_add_up AFTER INSERT OR UPDATE OF charges_cents ON billing_statement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_lines_add_up();

-- The past is not rewritten.
CREATE FUNCTION billing_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% keeps what was written: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_never_changes';
END $$;
CREATE TRIGGER billing_journal_never_changes BEFORE UPDATE OR DELETE ON billing_journal
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_journal_never_emptied BEFORE TRUNCATE ON billing_journal
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_leg_never_changes BEFORE UPDATE OR DELETE ON billing_leg
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_leg_never_emptied BEFORE TRUNCATE ON billing_leg
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_payment_never_emptied BEFORE TRUNCATE ON billing_payment
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_payment_never_deleted BEFORE DELETE ON billing_payment
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_attempt_never_deleted BEFORE DELETE ON billing_attempt
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_statement_never_deleted BEFORE DELETE ON billing_statement
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();

-- An attempt keeps what it is about, and moves only where its state may go. Paid is final.
CREATE FUNCTION billing_attempt_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.statement_id <> OLD.statement_id OR NEW.amount_cents <> OLD.amount_cents OR NEW.gateway <> OLD.gateway
        OR NEW.created_at <> OLD.created_at
        OR (OLD.session_ref <> '' AND NEW.session_ref <> OLD.session_ref)
        OR (OLD.payment_ref <> '' AND NEW.payment_ref <> OLD.payment_ref) THEN
        RAISE EXCEPTION 'attempt % keeps what it is about', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_attempt_identity';
    END IF;
    IF NEW.state <> OLD.state AND NOT (
        (OLD.state = 'created' AND NEW.state IN ('open', 'unknown', 'failed', 'expired', 'paid'))
        OR (OLD.state = 'open' AND NEW.state IN ('unknown', 'paid', 'failed', 'expired'))
        OR (OLD.state = 'unknown' AND NEW.state IN ('open', 'paid', 'failed', 'expired'))
        OR (OLD.state IN ('failed', 'expired') AND NEW.state = 'paid')
    ) THEN
        RAISE EXCEPTION 'attempt % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_attempt_next_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_attempt_guard BEFORE UPDATE ON billing_attempt
    FOR EACH ROW EXECUTE FUNCTION billing_attempt_guard();

-- A payment belongs to a paid attempt of the same statement and reference, and stays as it is.
-- Only the note for staff may be cleared.
CREATE FUNCTION billing_payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - 'needs_review' <> to_jsonb(OLD) - 'needs_review' THEN
            RAISE EXCEPTION 'payment % stays as it was', OLD.receipt_number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_payment_fixed';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM billing_attempt a WHERE a.id = NEW.attempt_id AND a.state = 'paid'
            AND a.statement_id = NEW.statement_id AND a.gateway = NEW.gateway AND a.payment_ref = NEW.payment_ref
    ) THEN
        RAISE EXCEPTION 'a payment needs a paid attempt of the same statement and reference'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_payment_of_paid_attempt';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_payment_guard BEFORE INSERT OR UPDATE ON billing_payment
    FOR EACH ROW EXECUTE FUNCTION billing_payment_guard();

CREATE SEQUENCE billing_receipt_number;
