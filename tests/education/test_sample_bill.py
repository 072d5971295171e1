import pytest

from education.sample_bill import SampleBill, sample_bill


@pytest.mark.parametrize(
    ("charge", "insurance", "adjustment", "patient"),
    [
        (64_000, 44_800, 12_800, 6_400),
        (245_000, 171_500, 49_000, 24_500),
        (100, 70, 20, 10),
        (99, 69, 19, 11),  # what does not divide stays with the patient's share
        (9, 6, 1, 2),
        (1, 0, 0, 1),
        (0, 0, 0, 0),
        (99_999_999_999, 69_999_999_999, 19_999_999_999, 10_000_000_001),
    ],
)
def test_sample_bill_splits_the_charge(charge, insurance, adjustment, patient):
    assert sample_bill(charge) == SampleBill(charge, insurance, adjustment, patient)


def test_parts_of_a_sample_bill_add_up_whatever_the_charge():
    bills = [sample_bill(cents) for cents in range(1000)]
    parts = [bill.insurance_paid_cents + bill.adjustment_cents + bill.patient_cents for bill in bills]
    assert parts == list(range(1000))
    assert min(min(bill.insurance_paid_cents, bill.adjustment_cents, bill.patient_cents) for bill in bills) == 0
