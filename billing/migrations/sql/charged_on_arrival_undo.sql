-- Back to statements that arrive with nothing owed.
DROP TRIGGER billing_statements_arrive ON billing_statement;
DROP FUNCTION billing_statements_arrive();
CREATE OR REPLACE FUNCTION billing_seal(entry bigint) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    total numeric;
    legs integer;
    last record;
BEGIN
    SELECT coalesce(sum(cents), 0), count(*) INTO total, legs FROM billing_leg WHERE journal_id = entry;
    IF total <> 0 OR legs < 2 THEN
        RAISE EXCEPTION 'ledger entry % does not balance', entry
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_journal_balanced';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('billing_chainlink'));
    SELECT position, digest INTO last FROM billing_chainlink ORDER BY position DESC LIMIT 1;
    INSERT INTO billing_chainlink (position, journal_id, digest)
        VALUES (coalesce(last.position, 0) + 1, entry, billing_digest(last.digest, entry));
END $$;
CREATE OR REPLACE FUNCTION billing_legs_move_statements() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sealed bigint;
BEGIN
    SELECT c.journal_id INTO sealed FROM billing_chainlink c
        WHERE c.journal_id IN (SELECT DISTINCT journal_id FROM fresh) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % is sealed', sealed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_journal_sealed';
    END IF;
    -- Money at the processor and at the bank moves only by what moves it.
    IF EXISTS (
        SELECT 1 FROM fresh l JOIN billing_journal j ON j.id = l.journal_id
        WHERE l.account = 'gateway'
                AND j.kind NOT IN ('payment', 'refund', 'refund failed', 'dispute', 'dispute won', 'deposit')
            OR l.account IN ('bank', 'fees') AND j.kind <> 'deposit'
    ) THEN
        RAISE EXCEPTION 'an entry of this kind does not move money at the processor or the bank'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_leg_of_its_kind';
    END IF;
    UPDATE billing_statement s
        SET charges_cents = s.charges_cents + m.charged, applied_cents = s.applied_cents + m.applied
        FROM (
            SELECT l.statement_id,
                coalesce(sum(l.cents) FILTER (WHERE j.kind IN ('charge', 'revision')), 0) AS charged,
                coalesce(-sum(l.cents) FILTER (WHERE j.kind NOT IN ('charge', 'revision')), 0) AS applied
            FROM fresh l JOIN billing_journal j ON j.id = l.journal_id
            WHERE l.account = 'receivable' GROUP BY l.statement_id
        ) m
        WHERE s.id = m.statement_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION billing_statement_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.charges_cents <> 0 OR NEW.applied_cents <> 0 THEN
            RAISE EXCEPTION 'statement sums start at zero and are moved by the ledger'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_sums_by_ledger';
        END IF;
        RETURN NEW;
    END IF;
    IF pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    IF NEW.charges_cents <> OLD.charges_cents OR NEW.applied_cents <> OLD.applied_cents THEN
        RAISE EXCEPTION 'statement sums are moved by the ledger only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_sums_by_ledger';
    END IF;
    IF NEW.patient_id <> OLD.patient_id OR NEW.number <> OLD.number
        OR NEW.replaces_id IS DISTINCT FROM OLD.replaces_id AND OLD.replaces_id IS NOT NULL THEN
        RAISE EXCEPTION 'a statement keeps its number and its patient'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_identity';
    END IF;
    IF OLD.voided_at IS NOT NULL AND NEW.voided_at IS DISTINCT FROM OLD.voided_at THEN
        RAISE EXCEPTION 'statement % stays void', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_stays_void';
    END IF;
    IF NEW.voided_at IS NOT NULL AND NEW.applied_cents <> NEW.charges_cents THEN
        RAISE EXCEPTION 'a void statement owes nothing'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_void_owes_nothing';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER billing_statement_guard ON billing_statement;
CREATE TRIGGER billing_statement_guard BEFORE INSERT OR UPDATE ON billing_statement
    FOR EACH ROW EXECUTE FUNCTION billing_statement_guard();
CREATE OR REPLACE FUNCTION billing_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
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
