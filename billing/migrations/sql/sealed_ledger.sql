-- The ledger seals itself: at commit each journal is checked, and linked into a chain nobody can rewrite unseen.

-- Legs move the two sums on the statement, many at a time. The UPDATE serialises writers and the CHECKs see the newest
-- row, so no interleaving can apply more than was charged. A sealed journal takes no more legs.
DROP TRIGGER billing_leg_moves_statement ON billing_leg;
DROP FUNCTION billing_leg_moves_statement();
CREATE FUNCTION billing_legs_move_statements() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER billing_legs_move_statements AFTER INSERT ON billing_leg
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION billing_legs_move_statements();

-- The two sums are the ledger's to write: nobody sets them by hand, whatever they set before. (A trigger that runs
-- because of another trigger's statement has a depth above 1.)
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

-- What the digest of a journal is made of: the journal and its legs, one a line. (An import's one journal has thousands
-- of legs, from which the planner concludes that each has; without the setting it reads the whole table every time.)
CREATE FUNCTION billing_journal_text(entry bigint) RETURNS text LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT concat_ws('|', j.id, j.kind, j.cause, (extract(epoch FROM j.posted_at) * 1000000)::bigint,
            coalesce(j.posted_by_id, 0), j.note)
        || E'\n' || coalesce((
            SELECT string_agg(concat_ws('|', l.id, l.account, coalesce(l.statement_id, 0), l.cents), E'\n' ORDER BY l.id)
            FROM billing_leg l WHERE l.journal_id = j.id), '')
    FROM billing_journal j WHERE j.id = entry
$$;

CREATE FUNCTION billing_digest(before text, entry bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(coalesce(before, '') || E'\n' || billing_journal_text(entry), 'UTF8')), 'hex')
$$;

-- At commit every journal has at least two legs that add up to zero; then it is sealed. Writers queue at the chain's
-- end only for this, when all else is done. (READ COMMITTED: the SELECT after the lock sees the newest link.)
CREATE FUNCTION billing_seal(entry bigint) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
CREATE FUNCTION billing_journal_seals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_seal(NEW.id);
    RETURN NULL;
END $$;
DROP TRIGGER billing_journal_has_legs ON billing_journal;
DROP TRIGGER billing_leg_balances ON billing_leg;
DROP FUNCTION billing_journal_balanced();
CREATE CONSTRAINT TRIGGER billing_journal_seals AFTER INSERT ON billing_journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_journal_seals();

-- Only sealing adds a link, and none is ever changed.
CREATE FUNCTION billing_chainlink_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'links are added by sealing only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_chainlink_by_sealing';
    END IF;
    RETURN NEW;
END $$;

-- What was written before there was a chain is sealed in the order of its numbers.
DO $$
DECLARE
    entry bigint;
BEGIN
    FOR entry IN SELECT id FROM billing_journal ORDER BY id LOOP
        PERFORM billing_seal(entry);
    END LOOP;
END $$;
SET CONSTRAINTS ALL IMMEDIATE; -- a table with pending checks takes no triggers
CREATE TRIGGER billing_chainlink_guard BEFORE INSERT ON billing_chainlink
    FOR EACH ROW EXECUTE FUNCTION billing_chainlink_guard();
CREATE TRIGGER billing_chainlink_never_changes BEFORE UPDATE OR DELETE ON billing_chainlink
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_chainlink_never_emptied BEFORE TRUNCATE ON billing_chainlink
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
