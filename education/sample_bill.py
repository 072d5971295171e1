"""What a line of a bill looks like, made from one round charge."""

from dataclasses import dataclass

INSURANCE_PERCENT = 70
ADJUSTMENT_PERCENT = 20


@dataclass(frozen=True)
class SampleBill:
    """The four amounts of a statement line, by the same names."""

    charge_cents: int
    insurance_paid_cents: int
    adjustment_cents: int
    patient_cents: int


def sample_bill(charge_cents: int) -> SampleBill:
    """The charge in integer cents, split. The patient's share is what is left, so the parts add up to the charge."""
    insurance_paid_cents = charge_cents * INSURANCE_PERCENT // 100
    adjustment_cents = charge_cents * ADJUSTMENT_PERCENT // 100
    return SampleBill(
        charge_cents, insurance_paid_cents, adjustment_cents, charge_cents - insurance_paid_cents - adjustment_cents
    )
