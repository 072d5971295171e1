-- A statement may arrive with its sums when the ledger has them already: its legs are written first, in the same
-- transaction. So an import writes each statement once, and not a second time to move what is owed on it.

-- Legs move the sums of the statements that are here. Only a charge may be ahead of its statement.
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
    IF EXISTS (
        SELECT 1 FROM fresh l JOIN billing_journal j ON j.id = l.journal_id
        WHERE l.account = 'receivable' AND j.kind <> 'charge'
            AND NOT EXISTS (SELECT 1 FROM billing_statement s WHERE s.id = l.statement_id)
    ) THEN
        RAISE EXCEPTION 'only a charge may be written before its statement'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_leg_of_a_statement';
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

-- A statement arrives with the sums its legs have: zero where it has none yet.
-- (The kind by a query of its own: a join would tempt the planner to go through all legs of an import for each one.)
CREATE FUNCTION billing_statements_arrive() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM arrived s, LATERAL (
            SELECT coalesce(sum(cents) FILTER (WHERE kind IN ('charge', 'revision')), 0) AS charged,
                coalesce(-sum(cents) FILTER (WHERE kind NOT IN ('charge', 'revision')), 0) AS applied
            FROM (
                SELECT l.cents, (SELECT j.kind FROM billing_journal j WHERE j.id = l.journal_id) AS kind
                FROM billing_leg l WHERE l.statement_id = s.id AND l.account = 'receivable'
            ) b
        ) m
        WHERE s.charges_cents <> m.charged OR s.applied_cents <> m.applied
    ) THEN
        RAISE EXCEPTION 'a statement arrives with the sums of its legs, and they are moved by the ledger'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_sums_by_ledger';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER billing_statements_arrive AFTER INSERT ON billing_statement
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION billing_statements_arrive();

CREATE OR REPLACE FUNCTION billing_statement_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
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
CREATE TRIGGER billing_statement_guard BEFORE UPDATE ON billing_statement
    FOR EACH ROW EXECUTE FUNCTION billing_statement_guard();

-- At commit a charge that was ahead of its statements has been taken over by all of them: somebody else's statement
-- under the same key, written when this charge could not be seen, is refused with it.
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
    IF (SELECT kind FROM billing_journal WHERE id = entry) = 'charge' AND EXISTS (
        SELECT 1 FROM billing_leg l LEFT JOIN billing_statement s ON s.id = l.statement_id, LATERAL (
            SELECT sum(b.cents) AS charged FROM billing_leg b
            WHERE b.statement_id = l.statement_id AND b.account = 'receivable'
                AND (SELECT j.kind FROM billing_journal j WHERE j.id = b.journal_id) IN ('charge', 'revision')
        ) m
        WHERE l.journal_id = entry AND l.account = 'receivable' AND s.charges_cents IS DISTINCT FROM m.charged
    ) THEN
        RAISE EXCEPTION 'a statement of ledger entry % does not have the sums of its legs', entry
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_statement_sums_by_ledger';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('billing_chainlink'));
    SELECT position, digest INTO last FROM billing_chainlink ORDER BY position DESC LIMIT 1;
    INSERT INTO billing_chainlink (position, journal_id, digest)
        VALUES (coalesce(last.position, 0) + 1, entry, billing_digest(last.digest, entry));
END $$;

-- At commit the lines of a statement add up to what the ledger says was charged.
CREATE OR REPLACE FUNCTION billing_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    statement bigint;
BEGIN
    IF TG_TABLE_NAME = 'billing_statement' THEN
        statement := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN
        statement := OLD.statement_id;
    ELSE
        statement := NEW.statement_id;
    END IF;
    IF (SELECT charges_cents FROM billing_statement WHERE id = statement) <>
        (SELECT coalesce(sum(patient_cents), 0) FROM billing_statementline WHERE statement_id = statement) THEN
        RAISE EXCEPTION 'the lines of statement % do not add up to its charges', statement
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_lines_add_up';
    END IF;
    RETURN NULL;
END $$;
