"""Texts on the command line are data: never markup, emojis, escape sequences or formulas."""

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest

from api.cli import terminal
from api.cli.terminal import PlainConsole, json_text, table_of
from api.csv_writer import CsvWriter
from application.hospital import Hospital
from domain.prescription.events import Medication
from domain.stay.events import VisitKind
from tests.cli.conftest import Run
from tests.support.hospital_dsl import ago, readmitted, request

CANARY = "[/]x :smile: [note] [red]y"
WARD = "W [/] :smile:"
FORMULAS = ["=1+1", "+cmd|' /C calc'!A1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"]


@pytest.fixture
def canary(staffed: Hospital) -> UUID:
    """A stay whose every text is a canary."""
    command_request = request(ago(days=9), reason=CANARY)
    staffed.rooms.open_room(command_request, ward=WARD, room="[/]1", beds=["[/]", "[b]c"])
    command_request = request(ago(days=9), reason=CANARY)
    staffed.patients.register_patient(
        command_request,
        mrn="[/]M",
        family_name=CANARY,
        given_name=CANARY,
        birth_date=date(1970, 1, 1),
    )
    stay = readmitted(staffed, "[/]M", None, ago(days=8), specialty=CANARY)
    command_request = request(ago(days=8), reason=CANARY)
    staffed.stays.allocate_room(command_request, stay_id=stay, ward=WARD, room="[/]1", bed="[/]")
    staffed.practitioners.register_practitioner(request(), staff_number="[/]D", family_name=CANARY)
    command_request = request(ago(days=7), performed_by=CANARY, reason=CANARY)
    staffed.stays.record_visit(
        command_request, stay_id=stay, practitioner="[/]D", kind=VisitKind.ROUND, note=CANARY
    )
    drug = staffed.prescriptions.write_prescription(
        request(ago(days=7)), stay_id=stay, medication=Medication(name="=[/]Drug")
    ).ids("prescription")[0]
    staffed.prescriptions.record_administration(
        request(ago(days=6)), prescription_id=drug, given=True, dose_given=CANARY
    )
    command_request = request(ago(days=8, hours=-1), reason=CANARY)
    staffed.rooms.close_bed(command_request, ward=WARD, room="[/]1", bed="[b]c")
    return stay


DAYS = [(datetime.now(UTC) - timedelta(days=days)).date().isoformat() for days in (8, 4)]
PERIOD = ("--from", DAYS[0], "--to", DAYS[1])


@pytest.mark.parametrize(
    ("command", "texts"),
    [
        (("timeline", "[/]M"), (CANARY, "Timeline of [/]M", "=[/]Drug")),
        (("timeline", "[/]M", "--json"), (CANARY,)),
        (("occupancy",), (f"[/]M {CANARY}", WARD, "[b]c", CANARY)),
        (("occupancy", "--ward", WARD), (f"[/]M {CANARY}", WARD)),
        (("occupancy", "--json"), (CANARY, WARD)),
        (("report", "days-of-therapy", *PERIOD), ("=[/]drug",)),
        (("report", "days-of-therapy", *PERIOD, "--format", "json"), ("=[/]drug",)),
        (("report", "days-of-therapy", *PERIOD, "--format", "csv"), ("'=[/]drug",)),
        (("report", "days-of-therapy", *PERIOD, "--format", "svg"), ("=[/]drug",)),
        (("report", "bed-occupancy-rate", *PERIOD, "--ward", WARD), (WARD,)),
    ],
)
def test_a_text_is_printed_as_it_is(
    run: Run, canary: UUID, command: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    result = run(*command)
    assert result.code == 0, result.err
    for text in texts:
        assert text.lower() in result.out.lower()
    assert "\N{HORIZONTAL ELLIPSIS}" not in result.out


def test_what_was_read_is_listed_as_it_is(run: Run, canary: UUID) -> None:
    run("timeline", "[/]M")
    result = run("accesses", "--mrn", "[/]M")
    assert "[/]M" in result.out


def test_a_refusal_repeats_what_was_typed_as_it_was_typed(run: Run, canary: UUID) -> None:
    result = run("timeline", "[red]nobody[/red] :smile:")
    assert "'[red]nobody[/red] :smile:'" in result.err


def test_no_text_acts_on_a_terminal() -> None:
    screen = StringIO()
    console = PlainConsole(screen)
    console.file = screen
    table = table_of("name", title="\x1b[31mred\x07")
    table.add_row("\x1b]8;;http://x\x1b\\\x9b2J\u202eb[/]")
    console.print(table)
    console.print("\x1b[2J[red]")
    assert "[31mred" in screen.getvalue()
    assert "[/]" in screen.getvalue()
    assert not set("\x1b\x07\x9b\u202e") & set(screen.getvalue())
    assert "\x9b" not in json_text("\x9b\u202e\x1b")
    assert json.loads(json_text("\x9b\u202e\x1b")) == "\x9b\u202e\x1b"


def test_no_cell_is_cut_off_where_there_is_no_terminal() -> None:
    screen = StringIO()
    console = PlainConsole(screen)
    console.file = screen
    table = table_of("one", "two")
    table.add_row("x" * 500, "y" * 500)
    console.print(table)
    assert "x" * 500 in screen.getvalue()
    assert "y" * 500 in screen.getvalue()


def test_no_colours_are_forced_upon_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """As services that run programs do: a table would be wrapped, and have escape sequences."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    screen = StringIO()
    console = PlainConsole(screen)
    console.file = screen
    console.print("told", style="red")
    assert (console.is_terminal, screen.getvalue()) == (False, "told\n")


def test_a_table_has_no_borders_where_there_is_no_terminal(run: Run) -> None:
    result = run("report")
    lines = result.out.splitlines()
    assert lines[0] == "Reports"
    assert re.split("  +", lines[1]) == ["report", "meaning", "parameters"]
    assert all(len(re.split("  +", line)) in (2, 3) for line in lines[1:])
    assert not [line for line in lines if line != line.rstrip()]
    assert not re.search("[\u2500-\u257f]", result.out)


def test_a_cell_of_two_lines_keeps_both_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = StringIO()
    console = PlainConsole(screen)
    console.file = screen
    monkeypatch.setattr(terminal, "out", console)
    terminal.print_rows([{"one": "a\nb", "two": "c" * 500}], ("one", "two"))
    assert screen.getvalue() == f"one  two\na    {'c' * 500}\nb\n"


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_text_wraps_on_a_terminal_and_loses_no_letter(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = StringIO()
    console = PlainConsole(screen)
    console.file, console.width = screen, width
    monkeypatch.setattr(terminal, "out", console)
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    names = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    row = {name: alphabet if n == 3 else n for n, name in enumerate(names)}
    terminal.print_rows([row], names)
    letters = [c for c in screen.getvalue().split("\u2501")[-1] if c in alphabet]
    assert sorted(letters) == sorted(alphabet + "012456789")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_csv_is_a_formula(text: str) -> None:
    assert cells(text) == [f"'{text}".replace("\r", "\n")]


@pytest.mark.parametrize("text", ["", "x=1", "12", "-0.5", "+3", "-1,5 %", "-1e-05", "a-b"])
def test_other_cells_are_written_as_they_are(text: str) -> None:
    assert cells(text) == [text]
    assert cells(-1.5) == ["-1.5"]


def cells(*values: object) -> list[str]:
    sheet = StringIO()
    CsvWriter(sheet).writerow(values)
    (row,) = csv.reader(StringIO(sheet.getvalue(), newline=""))
    return row
