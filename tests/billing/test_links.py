"""The QR link: a token that alone tells nothing, can be taken back, and what the print house is given."""

import csv
import re
import stat

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from billing import links
from billing.codes import ALPHABET, is_link_token, link_index, link_token, printed
from billing.lookup import Found, find_statement
from billing.models import Statement
from tests import factories
from tests.billing.books import statement_behind
from tests.billing.test_imports import owes, table

pytestmark = pytest.mark.django_db


def token_of(statement):
    return links.link_of(statement).rsplit("/", 2)[-2]


# ---- The token ------------------------------------------------------------------------------------------------------


def test_token_is_130_bits_in_the_letters_of_codes():
    token = link_token("S-1", 1)

    assert (len(token), set(token) <= set(ALPHABET), is_link_token(token)) == (26, True, True)


def test_token_is_the_same_each_time_and_another_for_each_number_and_version():
    pairs = [("S-1", 1), ("S-1", 2), ("S-2", 1), ("S-1/1", 1), ("S-1", 11)]
    tokens = [link_token(*pair) for pair in pairs]

    assert [link_token(*pair) for pair in pairs] == tokens
    assert len(set(tokens)) == len(pairs)


def test_token_cannot_be_made_without_the_key(settings):
    known = link_token("S-1", 1)
    settings.BLIND_INDEX_KEY = "another key"

    assert link_token("S-1", 1) != known


def test_token_tells_nothing_of_the_statement_and_is_not_stored():
    statement = factories.StatementFactory()
    token = token_of(statement)

    assert [secret for secret in (statement.number, statement.code) if secret in token] == []
    assert token not in (statement.link_index, statement.code_index)
    assert statement.link_index == link_index(token)


@pytest.mark.parametrize("text", ["", "A" * 25, "A" * 27, "a" * 26, "U" * 26, "0" * 25 + "-", "０" * 26])
def test_what_is_no_token(text):
    assert not is_link_token(text)


def test_link_is_on_our_own_address_without_language(settings):
    statement = factories.StatementFactory()

    for language in ("en", "es"):
        with translation.override(language):
            assert re.fullmatch(rf"{settings.PUBLIC_ORIGIN}/pay/[^/]+/[0-9A-Z]{{26}}/", links.link_of(statement))


# ---- Taking it back -------------------------------------------------------------------------------------------------


def test_link_leads_to_its_statement_only():
    first, second = factories.StatementFactory.create_batch(2)

    assert statement_behind(token_of(first)) == first
    assert statement_behind(token_of(second)) == second
    assert statement_behind(link_token("nobody's", 1)) is None
    assert statement_behind("") is None


def test_revoked_link_leads_nowhere_and_the_code_goes_on():
    first, second = factories.StatementFactory.create_batch(2)
    token = token_of(first)

    links.revoke_link(first)
    links.revoke_link(first)

    first.refresh_from_db()
    assert (first.link_index, links.link_of(first), links.qr_svg(first)) == (None, "", "")
    assert statement_behind(token) is None
    assert statement_behind(token_of(second)) == second
    assert find_statement(printed(first.code), first.patient.born_on, "192.0.2.1") == Found(first)


def test_renewed_link_is_another_and_the_old_one_is_dead():
    statement = factories.StatementFactory()
    old = token_of(statement)

    links.renew_link(statement)

    statement.refresh_from_db()
    assert statement.link_version == 2
    assert token_of(statement) != old
    assert statement_behind(old) is None
    assert statement_behind(token_of(statement)) == statement


def test_renewing_brings_a_revoked_link_back_as_another():
    statement = factories.StatementFactory()
    old = token_of(statement)
    links.revoke_link(statement)

    links.renew_link(statement)
    links.renew_link(statement)

    statement.refresh_from_db()
    assert (statement.link_version, statement_behind(old)) == (3, None)
    assert statement_behind(token_of(statement)) == statement


def test_import_of_a_revised_statement_leaves_its_link(tmp_path):
    load(table(), tmp_path)
    statement = Statement.objects.get()
    links.renew_link(statement)
    load(table(owes(60)), tmp_path)

    statement.refresh_from_db()
    assert (statement.charges_cents, statement.link_version) == (6_000, 2)
    assert statement_behind(token_of(statement)) == statement


# ---- The QR code ----------------------------------------------------------------------------------------------------


def test_qr_code_is_inline_svg_without_script_or_style():
    svg = links.qr_svg(factories.StatementFactory())

    assert re.fullmatch(r'<svg width="\d+" height="\d+" class="segno">.*</svg>', svg)
    assert [tag for tag in ("<script", "style=", "<?xml", "href") if tag in svg] == []


def test_qr_codes_of_two_statements_differ():
    first, second = factories.StatementFactory.create_batch(2)

    assert links.qr_svg(first) == links.qr_svg(first)
    assert links.qr_svg(first) != links.qr_svg(second)


# ---- The print house's file -----------------------------------------------------------------------------------------


def rows_of(lines):
    return list(csv.reader("".join(lines).splitlines()))


def test_codes_file_has_number_code_and_link():
    second = factories.StatementFactory(number="S-2")
    first = factories.StatementFactory(number="S-1")
    links.revoke_link(second)

    lines = list(links.codes_file(Statement.objects.all()))

    assert lines[0] == "statement_number,code,link\r\n"
    assert rows_of(lines)[1:] == [
        ["S-1", printed(first.code), links.link_of(first)],
        ["S-2", printed(second.code), ""],
    ]


def test_codes_file_holds_no_names():
    factories.StatementFactory()

    assert [
        s for s in ("Testa", "Patientson", "ACC-", "1950") if s in "".join(links.codes_file(Statement.objects))
    ] == []


@pytest.mark.parametrize("number", ["=1+1", "+1", "-1", "@A1", "＝1", '=HYPERLINK("x","y")', " =1"])
def test_codes_file_is_safe_to_open(number):
    factories.StatementFactory(number=number)

    assert rows_of(links.codes_file(Statement.objects.all()))[1][0] == f"'{number}"


def test_codes_file_of_many_asks_once(django_assert_num_queries):
    factories.StatementFactory.create_batch(3)

    with django_assert_num_queries(1):
        assert len(list(links.codes_file(Statement.objects.all()))) == 4


# ---- The command ----------------------------------------------------------------------------------------------------


def load(data, folder, *options):
    file = folder / "statements.csv"
    file.write_bytes(data)
    call_command("import_statements", str(file), *options)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_command_writes_the_codes_of_the_file(tmp_path, capsys):
    factories.StatementFactory(number="before")
    codes = tmp_path / "codes.csv"
    load(
        table({}, {"statement_number": "S-2", "statement_code": factories.code_of(7)}), tmp_path, "--codes", str(codes)
    )

    first, second = Statement.objects.exclude(number="before").order_by("number")
    assert codes.read_bytes().decode() == (
        "statement_number,code,link\r\n"
        f"S-1,{printed(first.code)},{links.link_of(first)}\r\n"
        f"S-2,{printed(factories.code_of(7))},{links.link_of(second)}\r\n"
    )
    assert mode(codes) == 0o600
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"{codes} holds the codes of 2 statements. Give it to nobody but the printer."
    )


def test_command_writes_the_same_codes_again(tmp_path):
    codes = [tmp_path / "first.csv", tmp_path / "second.csv"]
    for path in codes:
        load(table(), tmp_path, "--codes", str(path))

    assert codes[0].read_bytes() == codes[1].read_bytes()


def test_command_without_a_file_writes_the_codes_of_all_that_owe(tmp_path):
    owing = factories.StatementFactory()
    factories.StatementFactory(owes=0)
    factories.StatementFactory(owes=0, voided_at=timezone.now())
    codes = tmp_path / "codes.csv"

    call_command("import_statements", "--codes", str(codes))

    assert rows_of([codes.read_text()])[1:] == [[owing.number, printed(owing.code), links.link_of(owing)]]
    assert mode(codes) == 0o600


def test_command_closes_a_codes_file_that_everybody_could_read(tmp_path):
    codes = tmp_path / "codes.csv"
    codes.write_text("what was here before, and longer than what comes now" * 10)
    codes.chmod(0o644)

    call_command("import_statements", "--codes", str(codes))

    assert (codes.read_text(), mode(codes)) == ("statement_number,code,link\n", 0o600)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name the file to import, or a file for --codes to write."),
        (["--dry-run"], "Name the file to import, or a file for --codes to write."),
        (
            ["{file}", "--dry-run", "--codes", "{folder}/c.csv"],
            "A dry run makes no codes: leave out --dry-run or --codes.",
        ),
        (["{folder}/absent.csv"], "{folder}/absent.csv cannot be read: No such file or directory."),
        (["{folder}"], "{folder} cannot be read: Is a directory."),
        (["{file}", "--codes", "{folder}/no/c.csv"], "{folder}/no/c.csv cannot be written: No such file or directory."),
        (["{file}", "--codes", "{folder}"], "{folder} cannot be written: Is a directory."),
        (["--codes", "{folder}/no/c.csv"], "{folder}/no/c.csv cannot be written: No such file or directory."),
    ],
)
def test_command_refuses_wrong_arguments_with_a_sentence(tmp_path, arguments, said):
    file = tmp_path / "statements.csv"
    file.write_bytes(table())
    before = sorted(tmp_path.iterdir())
    places = {"file": file, "folder": tmp_path}

    with pytest.raises(CommandError) as refusal:
        call_command("import_statements", *(argument.format(**places) for argument in arguments))

    assert (str(refusal.value), refusal.value.returncode) == (said.format(**places), 1)
    assert Statement.objects.count() == 0
    assert sorted(tmp_path.iterdir()) == before


def test_command_with_a_wrong_file_leaves_the_codes_as_they_were(tmp_path):
    codes = tmp_path / "codes.csv"
    codes.write_text("the codes of last month")

    with pytest.raises(CommandError, match="Nothing was changed"):
        load(table({"charge": "x"}), tmp_path, "--codes", str(codes))

    assert codes.read_text() == "the codes of last month"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["codes.csv", "statements.csv"]
