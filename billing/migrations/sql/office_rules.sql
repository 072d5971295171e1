-- What may never be false about attempts, money that went back, plans and closed days, whoever writes.

-- An attempt keeps what it is about, and moves only where its state may go. Paid is final.
CREATE OR REPLACE FUNCTION billing_attempt_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.statement_id <> OLD.statement_id OR NEW.amount_cents <> OLD.amount_cents OR NEW.gateway <> OLD.gateway
        OR NEW.kind <> OLD.kind OR NEW.instalment_id IS DISTINCT FROM OLD.instalment_id
        OR NEW.created_at <> OLD.created_at OR NEW.expires_at <> OLD.expires_at OR NEW.generation < OLD.generation
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

-- A payment belongs to a paid attempt of the same statement and processor, and stays as it is. One of another reference
-- than its attempt's is money captured twice: it pays nothing and is owed back. What is reserved and disputed is moved
-- by the triggers below; the card's name may be filled in once; the note for staff may change.
CREATE OR REPLACE FUNCTION billing_payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - ARRAY['needs_review', 'refund_reserved_cents', 'disputed_cents', 'card_brand', 'card_last4']
            <> to_jsonb(OLD) - ARRAY['needs_review', 'refund_reserved_cents', 'disputed_cents', 'card_brand', 'card_last4']
            OR (OLD.card_brand <> '' AND NEW.card_brand <> OLD.card_brand)
            OR (OLD.card_last4 <> '' AND NEW.card_last4 <> OLD.card_last4)
            OR (pg_trigger_depth() < 2 AND (NEW.refund_reserved_cents, NEW.disputed_cents)
                <> (OLD.refund_reserved_cents, OLD.disputed_cents)) THEN
            RAISE EXCEPTION 'payment % stays as it was', OLD.receipt_number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_payment_fixed';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM billing_attempt a WHERE a.id = NEW.attempt_id AND a.state = 'paid'
            AND a.statement_id = NEW.statement_id AND a.gateway = NEW.gateway
            AND (a.payment_ref = NEW.payment_ref OR NEW.applied_cents = 0)
    ) THEN
        RAISE EXCEPTION 'a payment needs a paid attempt of the same statement and reference'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_payment_of_paid_attempt';
    END IF;
    IF NEW.refund_reserved_cents <> 0 OR NEW.disputed_cents <> 0 THEN
        RAISE EXCEPTION 'nothing of a new payment is returned yet'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_payment_fixed';
    END IF;
    RETURN NEW;
END $$;

-- A refund holds its amount of the payment until it has failed; the payment's CHECK then makes returning more than was
-- paid impossible. It keeps what it is about and moves only where its state may go. Disputed money is not refunded.
CREATE FUNCTION billing_refund_holds(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT state NOT IN ('failed', 'declined')
$$;
CREATE FUNCTION billing_refund_reserves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT 1 FROM billing_payment p WHERE p.id = NEW.payment_id AND p.gateway = NEW.gateway) THEN
            RAISE EXCEPTION 'a refund goes through the processor of its payment'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_refund_same_gateway';
        END IF;
        IF NEW.source = 'office' AND EXISTS (
            SELECT 1 FROM billing_dispute d WHERE d.payment_id = NEW.payment_id AND d.state = 'open'
        ) THEN
            RAISE EXCEPTION 'a disputed payment is not refunded'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_refund_not_while_disputed';
        END IF;
        change := CASE WHEN billing_refund_holds(NEW.state) THEN NEW.amount_cents ELSE 0 END;
    ELSE
        IF NEW.payment_id <> OLD.payment_id OR NEW.amount_cents <> OLD.amount_cents OR NEW.gateway <> OLD.gateway
            OR NEW.source <> OLD.source OR NEW.needs_second_person <> OLD.needs_second_person
            OR NEW.created_at <> OLD.created_at OR NEW.requested_by_id IS DISTINCT FROM OLD.requested_by_id
            OR (OLD.decided_by_id IS NOT NULL AND NEW.decided_by_id IS DISTINCT FROM OLD.decided_by_id)
            OR (OLD.refund_ref <> '' AND NEW.refund_ref <> OLD.refund_ref) THEN
            RAISE EXCEPTION 'refund % keeps what it is about', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_refund_identity';
        END IF;
        IF NEW.state <> OLD.state AND NOT (
            (OLD.state = 'proposed' AND NEW.state IN ('requested', 'declined'))
            OR (OLD.state = 'requested' AND NEW.state IN ('unknown', 'pending', 'succeeded', 'failed'))
            OR (OLD.state = 'unknown' AND NEW.state IN ('pending', 'succeeded', 'failed'))
            OR (OLD.state = 'pending' AND NEW.state IN ('succeeded', 'failed'))
            OR (OLD.state = 'succeeded' AND NEW.state = 'failed')
            OR (OLD.state = 'failed' AND NEW.state = 'succeeded')
        ) THEN
            RAISE EXCEPTION 'refund % cannot go from % to %', OLD.id, OLD.state, NEW.state
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_refund_next_state';
        END IF;
        IF OLD.state = 'proposed' AND NEW.state = 'requested' AND EXISTS (
            SELECT 1 FROM billing_dispute d WHERE d.payment_id = NEW.payment_id AND d.state = 'open'
        ) THEN
            RAISE EXCEPTION 'a disputed payment is not refunded'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_refund_not_while_disputed';
        END IF;
        change := CASE WHEN billing_refund_holds(NEW.state) THEN NEW.amount_cents ELSE 0 END
            - CASE WHEN billing_refund_holds(OLD.state) THEN OLD.amount_cents ELSE 0 END;
    END IF;
    IF change <> 0 THEN
        UPDATE billing_payment SET refund_reserved_cents = refund_reserved_cents + change WHERE id = NEW.payment_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_refund_reserves BEFORE INSERT OR UPDATE ON billing_refund
    FOR EACH ROW EXECUTE FUNCTION billing_refund_reserves();
CREATE TRIGGER billing_refund_never_deleted BEFORE DELETE ON billing_refund
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_refund_never_emptied BEFORE TRUNCATE ON billing_refund
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();

-- A dispute holds its amount of the payment until it is won. Won and lost are final.
CREATE FUNCTION billing_dispute_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint := CASE WHEN NEW.state <> 'won' THEN NEW.amount_cents ELSE 0 END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.payment_id <> OLD.payment_id OR NEW.amount_cents <> OLD.amount_cents OR NEW.gateway <> OLD.gateway
            OR NEW.dispute_ref <> OLD.dispute_ref OR (OLD.state <> 'open' AND NEW.state <> OLD.state) THEN
            RAISE EXCEPTION 'dispute % keeps what it is about and how it ended', OLD.dispute_ref
                USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_dispute_identity';
        END IF;
        change := change - CASE WHEN OLD.state <> 'won' THEN OLD.amount_cents ELSE 0 END;
    END IF;
    IF change <> 0 THEN
        UPDATE billing_payment SET disputed_cents = disputed_cents + change WHERE id = NEW.payment_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_dispute_holds BEFORE INSERT OR UPDATE ON billing_dispute
    FOR EACH ROW EXECUTE FUNCTION billing_dispute_holds();
CREATE TRIGGER billing_dispute_never_deleted BEFORE DELETE ON billing_dispute
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_dispute_never_emptied BEFORE TRUNCATE ON billing_dispute
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();

-- What the processor said stays as it was said, and what was done about it stays done.
CREATE FUNCTION billing_gatewayevent_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.gateway, NEW.event_id, NEW.kind, NEW.body, NEW.received_at)
        <> (OLD.gateway, OLD.event_id, OLD.kind, OLD.body, OLD.received_at)
        OR (OLD.processed_at IS NOT NULL AND NEW.processed_at IS DISTINCT FROM OLD.processed_at) THEN
        RAISE EXCEPTION 'message % stays as it came', OLD.event_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_gatewayevent_fixed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_gatewayevent_guard BEFORE UPDATE ON billing_gatewayevent
    FOR EACH ROW EXECUTE FUNCTION billing_gatewayevent_guard();
CREATE TRIGGER billing_gatewayevent_never_deleted BEFORE DELETE ON billing_gatewayevent
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();

-- A plan keeps what was agreed, and moves only where its state may go.
CREATE FUNCTION billing_plan_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.statement_id <> OLD.statement_id OR NEW.total_cents <> OLD.total_cents OR NEW.gateway <> OLD.gateway
        OR NEW.consent_text <> OLD.consent_text OR NEW.consented_at <> OLD.consented_at
        OR NEW.consented_from IS DISTINCT FROM OLD.consented_from OR NEW.token <> OLD.token
        OR (OLD.customer_ref <> '' AND NEW.customer_ref <> OLD.customer_ref)
        OR (OLD.card_ref <> '' AND NEW.card_ref <> OLD.card_ref) THEN
        RAISE EXCEPTION 'plan % keeps what was agreed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_paymentplan_identity';
    END IF;
    IF NEW.state <> OLD.state AND NOT (
        (OLD.state = 'pending' AND NEW.state IN ('active', 'cancelled', 'abandoned'))
        OR (OLD.state = 'active' AND NEW.state IN ('completed', 'cancelled', 'stopped'))
        OR (OLD.state = 'abandoned' AND NEW.state = 'active')
    ) THEN
        RAISE EXCEPTION 'plan % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_paymentplan_next_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_plan_guard BEFORE UPDATE ON billing_paymentplan
    FOR EACH ROW EXECUTE FUNCTION billing_plan_guard();
CREATE FUNCTION billing_instalment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.plan_id <> OLD.plan_id OR NEW.position <> OLD.position OR NEW.amount_cents <> OLD.amount_cents
        OR NEW.due_on <> OLD.due_on OR (OLD.state <> 'due' AND NEW.state <> OLD.state) THEN
        RAISE EXCEPTION 'instalment % keeps what was agreed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_instalment_identity';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_instalment_guard BEFORE UPDATE ON billing_instalment
    FOR EACH ROW EXECUTE FUNCTION billing_instalment_guard();

-- At commit a plan has two to four parts that add up to its total.
CREATE FUNCTION billing_plan_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb := coalesce(to_jsonb(NEW), to_jsonb(OLD));
    agreed uuid := coalesce(changed->>'plan_id', changed->>'id')::uuid;
    parts integer;
    total bigint;
BEGIN
    SELECT count(*), coalesce(sum(amount_cents), 0) INTO parts, total FROM billing_instalment WHERE plan_id = agreed;
    IF parts NOT BETWEEN 2 AND 4
        OR total <> (SELECT total_cents FROM billing_paymentplan WHERE id = agreed) THEN
        RAISE EXCEPTION 'the parts of plan % do not add up', agreed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_plan_adds_up';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER billing_plan_adds_up AFTER INSERT ON billing_paymentplan
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_plan_adds_up();
CREATE CONSTRAINT TRIGGER billing_instalments_add_up AFTER INSERT ON billing_instalment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_plan_adds_up();
CREATE TRIGGER billing_paymentplan_never_deleted BEFORE DELETE ON billing_paymentplan
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_instalment_never_deleted BEFORE DELETE ON billing_instalment
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();

-- What is told about money is not emptied either.
CREATE TRIGGER billing_statementline_never_emptied BEFORE TRUNCATE ON billing_statementline
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_gatewayevent_never_emptied BEFORE TRUNCATE ON billing_gatewayevent
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_instalment_never_emptied BEFORE TRUNCATE ON billing_instalment
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_questionmessage_never_emptied BEFORE TRUNCATE ON billing_questionmessage
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_importbatch_never_emptied BEFORE TRUNCATE ON billing_importbatch
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();

-- What was said in a thread stays said.
CREATE TRIGGER billing_questionmessage_never_changes BEFORE UPDATE OR DELETE ON billing_questionmessage
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();

-- A closed day follows the one before without a gap, and stays as it was.
CREATE FUNCTION billing_dailyclose_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('billing_dailyclose')); -- two closes at once: the second sees the first
    SELECT day, last_position INTO before FROM billing_dailyclose ORDER BY day DESC LIMIT 1;
    IF FOUND AND (NEW.day <= before.day OR NEW.first_position <> before.last_position + 1)
        OR NOT FOUND AND NEW.first_position <> 1
        OR NEW.last_position > (SELECT coalesce(max(position), 0) FROM billing_chainlink) THEN
        RAISE EXCEPTION 'day % does not follow the one closed before', NEW.day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_dailyclose_follows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_dailyclose_follows BEFORE INSERT ON billing_dailyclose
    FOR EACH ROW EXECUTE FUNCTION billing_dailyclose_follows();
CREATE TRIGGER billing_dailyclose_never_changes BEFORE UPDATE OR DELETE ON billing_dailyclose
    FOR EACH ROW EXECUTE FUNCTION billing_never_changes();
CREATE TRIGGER billing_dailyclose_never_emptied BEFORE TRUNCATE ON billing_dailyclose
    FOR EACH STATEMENT EXECUTE FUNCTION billing_never_changes();
