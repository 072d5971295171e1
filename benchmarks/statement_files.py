"""Statement files of made-up people: two lines a statement, a new patient each, as after a change of systems."""

import random

HEADER = (
    "statement_number,issued_on,due_on,account_number,first_name,last_name,date_of_birth,line,service_date,description,"
    "charge,insurance_paid,adjustment,patient_owes,procedure_code,facility,insurer,language,statement_code,statement_total"
)
FIRST = ["Clementine", "Rosalía", "Otis", "Mabel", "Ignacio", "Wanda", "Lew", "Perpetua"]
LAST = ["Pretend", "De Mentira", "Example", "Makebelieve", "Nobody", "Sample"]
EXAMS = [("71260", "CT of the chest with contrast"), ("76140", "Reading of earlier images"), ("76700", "Ultrasound")]


def statement_file(rows: int, prefix: str = "B") -> bytes:
    """A file of so many rows; the same each time. Another prefix gives other statements and patients."""
    chance = random.Random(7)  # noqa: S311 (repeatable, not secret)
    lines = [HEADER]
    for number in range((rows + 1) // 2):
        year, month, day = chance.randrange(1930, 2010), chance.randrange(1, 13), chance.randrange(1, 29)
        person = f"{chance.choice(FIRST)},{chance.choice(LAST)},{year}-{month:02}-{day:02}"
        for position in (1, 2)[: rows - 2 * number]:
            code, exam = chance.choice(EXAMS)
            owes, insured, less = chance.randrange(500, 30_000), chance.randrange(60_000), chance.randrange(9_000)
            amounts = ",".join(f"{cents / 100:.2f}" for cents in (owes + insured + less, insured, less, owes))
            lines.append(
                f"{prefix}-{number:07},2026-07-06,2026-09-06,{prefix}A-{number:07},{person},{position},2026-06-{day:02},"
                f"{exam},{amounts},{code},River Campus Radiology,Sample Health Plan,en,,"
            )
    return ("\n".join(lines) + "\n").encode()
