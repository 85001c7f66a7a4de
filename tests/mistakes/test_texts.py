"""Mistakes of other systems about texts: see `test_covered` for the list and what is left out."""

from io import StringIO
from unicodedata import normalize

import pytest

from api.cli.terminal import PlainConsole
from api.csv_writer import CsvWriter
from tests.support.api_dsl import Ward, ago, late

SPELLINGS = (" {}", "{} ", "{}\n", "\t{}", "\u200b{}", "{}\u00a0", "{}\u202e")
"""Ways to type a code that are printed as the code is."""


def spellings(typed: str) -> list[str]:
    wide = "".join(chr(ord(c) + 0xFEE0) for c in typed)
    return [s.format(typed) for s in SPELLINGS] + [wide, typed.upper(), typed.lower()]


def test_mistake_67_a_blank_makes_no_second_patient(shared: Ward) -> None:
    mrn = shared.patient()
    for typed in [*spellings(mrn), f"{mrn[0]}\u00a0{mrn[1:]}"]:
        second = shared.execute("registerPatient", mrn=typed, familyName="Twice")
        assert second["__typename"] == "AlreadyExists", typed
    for typed in spellings(mrn):
        answer = shared.ask("query($mrn: String!) { patient(mrn: $mrn) { mrn } }", mrn=typed)
        assert answer["patient"] == {"mrn": mrn}, typed


def test_mistake_67_a_blank_makes_no_second_room_or_bed(shared: Ward) -> None:
    ward, number = shared.room("a", "b", ward=shared.name("Ward ")).split("/")
    for typed in spellings(number):
        room = {"ward": ward, "room": typed, "beds": ["a"]}
        assert shared.execute("openRoom", **room)["__typename"] == "AlreadyExists", typed
    for typed in spellings("a"):
        bed = {"ward": ward, "room": number, "bed": typed}
        assert shared.execute("addBed", **bed)["__typename"] == "AlreadyExists", typed
    stay = shared.stay(f"{ward}/{number}/a")
    for typed in spellings("A"):
        second = {"patientMrn": shared.patient(), "admissionType": "ELECTIVE"}
        taken = shared.execute("admitPatient", **second, ward=ward, room=number, bed=typed)
        assert taken["__typename"] == "BedOccupied", typed
    assert shared.bed(f"{ward}/{number}/a")["stay"] == {"id": stay}


def test_mistake_67_a_blank_makes_no_second_ward(shared: Ward) -> None:
    ward = shared.room(ward=shared.name("Ward ")).split("/")[0]
    spaced = spellings(ward.replace("Ward ", "Ward\u00a0 "))[: len(SPELLINGS)]
    for typed in [*spaced, ward.upper(), ward.lower()]:
        number = shared.name("N")
        shared.record("openRoom", ward=typed, room=number, beds=["a"], **late(ago(days=9)))
        shared.stay(f"{typed.upper()}/{number.lower()}/A")
    names = [each["name"] for each in shared.ask("{ wards { name } }")["wards"]]
    assert [name for name in names if ward.lower() in name.lower()] == [ward]


def test_mistake_67_a_blank_makes_no_second_practitioner(shared: Ward) -> None:
    number = shared.doctor()
    for typed in spellings(number):
        second = shared.execute("registerPractitioner", staffNumber=typed)
        assert second["__typename"] == "AlreadyExists", typed
    answer = shared.record(
        "recordVisit", stayId=shared.stay(), practitioner=f"{number.lower()} ", kind="ROUND"
    )
    assert answer["__typename"] == "VisitRecorded"


@pytest.mark.parametrize("blank", [" ", "\t", "\u200b", "\u00a0\n", "\u3164"])
def test_mistake_67_a_blank_is_no_code(shared: Ward, blank: str) -> None:
    ward, number = shared.room().split("/")
    for command, input in (
        ("registerPatient", {"mrn": blank}),
        ("registerPractitioner", {"staffNumber": blank}),
        ("openRoom", {"ward": blank, "room": "1", "beds": ["a"]}),
        ("openRoom", {"ward": ward, "room": blank, "beds": ["a"]}),
        ("openRoom", {"ward": ward, "room": shared.name("N"), "beds": [blank]}),
        ("addBed", {"ward": ward, "room": number, "bed": blank}),
    ):
        assert shared.execute(command, **input)["__typename"] == "InvalidInput", command


def test_mistake_67_a_correction_of_the_spelling_is_taken(shared: Ward) -> None:
    mrn = shared.patient()
    answer = shared.record(
        "correctPatientDetails", patientMrn=mrn, mrn=mrn.lower(), reason="as printed"
    )
    assert answer["patient"]["mrn"] == mrn.lower()
    assert shared.execute("registerPatient", mrn=mrn)["__typename"] == "AlreadyExists"


SEARCHES = {
    "O'Connor": ["Liam"],
    "oconnor": ["Liam"],
    "connor liam": ["Liam"],
    "Nu\u00f1ez": ["Jos\u00e9", "Jose\u0301"],
    "NUNEZ jose": ["Jos\u00e9", "Jose\u0301"],
    "Muller": ["J\u00fcrgen"],
    "Siobhan": ["Siobh\u00e1n"],
    "Siobh\u00e1n, O`Hara ": ["Siobh\u00e1n"],
    "van kirk": ["Ann-Marie"],
    "vankirk marie ": ["Ann-Marie"],
    "ostby": ["Bj\u00f8rn"],
    "\u00c5ngstr\u00f6m-\u00d8stby": ["Bj\u00f8rn"],
    "1991-02-28": ["Bj\u00f8rn"],
    "bjorn 1991-02-28": ["Bj\u00f8rn"],
    "1991-02-2": [],
    "%": [],
    "kirk liam": [],
}


def test_mistake_68_a_name_is_found_as_people_type_it(shared: Ward) -> None:
    house = shared.name("Zz")
    for family, given, born in (
        ("O\u2019Connor", "Liam", "1950-01-01"),
        ("Nu\u00f1ez", "Jos\u00e9", "1950-01-01"),
        ("Nun\u0303ez", "Jose\u0301", "1950-01-01"),
        ("M\u00fcller", "J\u00fcrgen", "1950-01-01"),
        ("O'Hara", "Siobh\u00e1n", "1950-01-01"),
        ("Van  Kirk", "Ann-Marie", "1950-01-01"),
        ("\u00c5ngstr\u00f6m-\u00d8stby", "Bj\u00f8rn", "1991-02-28"),
    ):
        shared.patient(familyName=f"{family} {house}", givenName=given, birthDate=born)
    for typed, wanted in SEARCHES.items():
        search = typed if typed == "%" else f"{typed} {house}"
        result = shared.ask(
            "query($q: String) { patients(search: $q) { nodes { givenName } } }", q=search
        )
        names = {each["givenName"] for each in result["patients"]["nodes"]}
        assert names == {normalize("NFC", name) for name in wanted}, typed


def test_mistake_68_a_number_is_found_by_its_beginning_or_digits(shared: Ward) -> None:
    mrn = f"T-000{shared.name('7')} x"
    shared.record("registerPatient", mrn=mrn, **late(ago(days=3)))
    for typed in (mrn, mrn.lower(), mrn[:-2], mrn[2:-2], f" {mrn[:5]}"):
        result = shared.ask("query($q: String) { patients(search: $q) { nodes { mrn } } }", q=typed)
        assert {"mrn": mrn} in result["patients"]["nodes"], typed


def test_mistake_70_a_text_is_data_wherever_it_is_shown() -> None:
    sheet, screen = StringIO(), StringIO()
    CsvWriter(sheet).writerow(["=1+1", "[/]x"])
    console = PlainConsole(screen)
    console.file = screen
    console.print("[/]x :smile: \x1b[31m")
    assert sheet.getvalue() == "'=1+1,[/]x\n"
    assert screen.getvalue() == "[/]x :smile: [31m\n"


def test_mistake_67_a_blank_is_no_reason_for_a_dose_that_was_not_given(shared: Ward) -> None:
    order = shared.prescription()
    skipped = {"prescriptionId": order, "given": False, **late(ago(hours=2))}
    for blank in (" ", "\t", "\u200b", "\u00a0"):
        answer = shared.execute("recordAdministration", reasonNotGiven=blank, **skipped)
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["reasonNotGiven"])
    answer = shared.record("recordAdministration", reasonNotGiven="asleep", **skipped)
    dose = answer["prescription"]["administrations"][0]["id"]
    blank_again = {"administrationId": dose, "reasonNotGiven": "\u200b", "reason": "mistyped"}
    assert shared.execute("correctAdministration", **blank_again)["__typename"] == "InvalidInput"


def test_mistake_70_a_note_keeps_its_pictures(shared: Ward) -> None:
    typed = "\u2764\ufe0f of \U0001f469\u200d\u2695\ufe0f, \u26a0\ufe0e\x1b[31m"
    visit = {"stayId": shared.stay(), "practitioner": shared.doctor(), "kind": "ROUND"}
    answer = shared.record("recordVisit", note=typed, **visit)
    assert answer["visit"]["note"] == typed.replace("\x1b", "")
