DROP TRIGGER billing_dailyclose_never_emptied ON billing_dailyclose;
DROP TRIGGER billing_dailyclose_never_changes ON billing_dailyclose;
DROP TRIGGER billing_dailyclose_follows ON billing_dailyclose;
DROP FUNCTION billing_dailyclose_follows();
DROP TRIGGER billing_statementline_never_emptied ON billing_statementline;
DROP TRIGGER billing_gatewayevent_never_emptied ON billing_gatewayevent;
DROP TRIGGER billing_instalment_never_emptied ON billing_instalment;
DROP TRIGGER billing_questionmessage_never_emptied ON billing_questionmessage;
DROP TRIGGER billing_importbatch_never_emptied ON billing_importbatch;
DROP TRIGGER billing_questionmessage_never_changes ON billing_questionmessage;
DROP TRIGGER billing_instalment_never_deleted ON billing_instalment;
DROP TRIGGER billing_paymentplan_never_deleted ON billing_paymentplan;
DROP TRIGGER billing_instalments_add_up ON billing_instalment;
DROP TRIGGER billing_plan_adds_up ON billing_paymentplan;
DROP FUNCTION billing_plan_adds_up();
DROP TRIGGER billing_instalment_guard ON billing_instalment;
DROP FUNCTION billing_instalment_guard();
DROP TRIGGER billing_plan_guard ON billing_paymentplan;
DROP FUNCTION billing_plan_guard();
DROP TRIGGER billing_dispute_never_emptied ON billing_dispute;
DROP TRIGGER billing_dispute_never_deleted ON billing_dispute;
DROP TRIGGER billing_dispute_holds ON billing_dispute;
DROP FUNCTION billing_dispute_holds();
DROP TRIGGER billing_refund_never_emptied ON billing_refund;
DROP TRIGGER billing_refund_never_deleted ON billing_refund;
DROP TRIGGER billing_refund_reserves ON billing_refund;
DROP FUNCTION billing_refund_reserves();
DROP FUNCTION billing_refund_holds(text);
DROP TRIGGER billing_gatewayevent_never_deleted ON billing_gatewayevent;
DROP TRIGGER billing_gatewayevent_guard ON billing_gatewayevent;
DROP FUNCTION billing_gatewayevent_guard();
CREATE OR REPLACE FUNCTION billing_attempt_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION billing_payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
