"""Tests of scalars: moments, days, positions, cursors and ids that are taken or refused."""

from typing import Any

import pytest

from api.graphql.scalars import encode_cursor
from tests.support.api_dsl import Ward

WARDS = "query($at: DateTime) { wards(asOf: $at) { name } }"


def code(answer: dict[str, Any]) -> str:
    """The code of an answer's one error."""
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-01T08:00:00Z",
        "2026-03-01T08:00Z",
        "2026-03-01t08:00:00z",
        "2026-03-01T08:00:00+01:00",
        "2026-03-01T08:00:00.123456-05:30",
        "2024-02-29T23:59:59.9Z",
        "1850-01-01T00:00:00Z",
        "2999-12-31T23:59:59Z",
    ],
)
def test_a_moment_with_an_offset_is_taken(shared: Ward, moment: str) -> None:
    assert "errors" not in shared.client.raw(WARDS, {"at": moment})


NO_MOMENTS = [
    "2026-03-01T08:00:00",
    "2026-03-01",
    "2026-W09",
    "2026-W09-7T08:00:00Z",
    "2026-060T08:00:00Z",
    "20260301T080000Z",
    "2026-03-01 08:00:00Z",
    "2026-03-01T08Z",
    "2026-03-01T08:00:00+01",
    "2026-03-01T08:00:00+0100",
    "2026-03-01T08:00:00.1234567Z",
    "2026-03-01T08:00:00 Z",
    "2026-03-01T08:00:00ZZ",
    "2026-02-29T08:00:00Z",
    "2026-13-01T08:00:00Z",
    "2026-03-01T24:01:00Z",
    "2026-03-01T08:60:00Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "1849-12-31T23:59:59Z",
    "2999-12-31T23:59:59-01:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-01:00",
    "+2026-03-01T08:00:00Z",
    "２０２６-03-01T08:00:00Z",
    "now",
    "",
    1772352000,
    1772352000.5,
    True,
    ["2026-03-01T08:00:00Z"],
    {"at": "2026-03-01T08:00:00Z"},
]


@pytest.mark.parametrize("moment", NO_MOMENTS, ids=str)
def test_any_other_moment_is_refused_in_a_variable(shared: Ward, moment: Any) -> None:
    assert code(shared.client.raw(WARDS, {"at": moment})) == "BAD_REQUEST"


@pytest.mark.parametrize("moment", [m for m in NO_MOMENTS if isinstance(m, str)])
def test_any_other_moment_is_refused_in_the_query_itself(shared: Ward, moment: str) -> None:
    query = f'{{ wards(asOf: "{moment}") {{ name }} }}'
    assert code(shared.client.raw(query)) == "BAD_REQUEST"


def test_the_same_moment_in_another_zone_is_told_in_utc(shared: Ward) -> None:
    at = "2026-03-01T08:00:00.25+05:30"
    answer = shared.record(
        "registerPatient", mrn=shared.name("M"), occurredAt=at, reason="noted afterwards"
    )
    query = "query($id: ID) { patient(id: $id) { mrn } }"
    mrn = shared.ask(query, id=answer["patient"]["id"])["patient"]["mrn"]
    entries = shared.ask(
        "query($mrn: String) { timeline(mrn: $mrn) { nodes { occurredAt } } }", mrn=mrn
    )
    assert entries["timeline"]["nodes"] == [{"occurredAt": "2026-03-01T02:30:00.250000Z"}]


@pytest.mark.parametrize(
    ("command", "content"),
    [
        ("registerPatient", {"birthDate": "1961-12-24T00:00:00Z"}),
        ("registerPatient", {"birthDate": "1961-02-30"}),
        ("registerPatient", {"birthDate": "24.12.1961"}),
        ("registerPatient", {"birthDate": "1961-W01-1"}),
        ("registerPatient", {"birthDate": 19611224}),
        ("registerPatient", {"sex": "female"}),
        ("registerPatient", {"familyName": 7}),
        ("registerPatient", {"commandId": None}),
        ("registerPatient", {"expectedVersion": "1"}),
        ("registerPatient", {"nobodyAsked": "1"}),
        ("setHospitalTime", {"timeZone": "UTC", "censusTime": "23:59:59Z"}),
        ("setHospitalTime", {"timeZone": "UTC", "censusTime": "24:00"}),
        ("setHospitalTime", {"timeZone": "UTC", "censusTime": 2359}),
    ],
)
def test_an_input_of_another_kind_is_a_fault(
    shared: Ward, command: str, content: dict[str, Any]
) -> None:
    name = command[0].upper() + command[1:]
    mrn = {"mrn": shared.name("M")} if command == "registerPatient" else {}
    query = f"mutation($input: {name}Input!) {{ {command}(input: $input) {{ __typename }} }}"
    id = "00000000-0000-4000-8000-000000000001"
    answer = shared.client.raw(query, {"input": {"commandId": id, **mrn, **content}})
    assert code(answer) == "BAD_REQUEST"
    assert answer["data"] is None


@pytest.mark.parametrize("id", ["", "nonsense", "42", "é", "00000000-0000-0000-0000-00000000000"])
def test_an_id_that_nobody_gave_out_names_nothing(shared: Ward, id: str) -> None:
    answer = shared.execute("changeSpecialty", stayId=id, specialty="surgery")
    assert (answer["__typename"], answer["path"]) == ("NotFound", ["stayId"])
    answer = shared.execute("stopPrescription", prescriptionId=id)
    assert (answer["__typename"], answer["path"]) == ("NotFound", ["prescriptionId"])
    answer = shared.execute("registerPatient", commandId=id, mrn=shared.name("M"))
    assert (answer["__typename"], answer["field"]) == ("InvalidInput", "commandId")


def test_an_id_of_something_else_names_nothing(shared: Ward) -> None:
    stay = shared.stay()
    drug = shared.prescription(stay)
    answer = shared.execute("changeSpecialty", stayId=drug, specialty="surgery")
    assert answer["__typename"] == "NotFound"
    answer = shared.execute("stopPrescription", prescriptionId=stay)
    assert answer["__typename"] == "NotFound"
    assert shared.record("stopPrescription", prescriptionId=drug)
    assert shared.record("changeSpecialty", stayId=stay, specialty="surgery")


# -- lists, page by page --

LISTS = {
    "patients": ("search: $filter", "mrn"),
    "practitioners": ("", "staffNumber"),
    "stays": ("filter: {ward: $filter}", "id"),
    "timeline": ("stayId: $stay", "id"),
}


def page(ward: Ward, name: str, first: Any, after: Any, **more: Any) -> dict[str, Any]:
    own, field = LISTS[name]
    result = "filter" if "$filter" in own else "stay" if "$stay" in own else None
    kind = {"filter": ", $filter: String", "stay": ", $stay: ID", None: ""}[result]
    arguments = ", ".join(a for a in (own, "first: $first", "after: $after") if a)
    query = f"""query($first: Int, $after: String{kind}) {{ {name}({arguments}) {{
        edges {{ cursor node {{ {field} }} }} nodes {{ {field} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
    values = {k: v for k, v in more.items() if k == result}
    return ward.client.raw(query, {"first": first, "after": after, **values})


@pytest.fixture(scope="module")
def full(shared: Ward) -> dict[str, Any]:
    """Lists with something in them: some equal in all but their id."""
    family, name = shared.name("Family"), shared.name("W")
    room = shared.room(*"abcdefg", ward=name)
    at = "2026-11-01T08:00:00Z"
    stays = []
    for n, bed in enumerate("abcdefg"):
        who = {"familyName": family, "givenName": "Ada"} if n < 4 else {"familyName": family}
        stays.append(shared.stay(f"{room}/{bed}", at, patientMrn=shared.patient(**who)))
    doctors = [shared.doctor() for _ in range(5)]
    for doctor in doctors:
        shared.record("changeAttending", stayId=stays[0], attending=doctor)
    return {"filter": {"patients": family, "stays": name}, "stay": stays[0]}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 500])
@pytest.mark.parametrize("name", LISTS)
def test_page_by_page_nothing_is_left_out_and_nothing_comes_twice(
    shared: Ward, full: dict[str, Any], name: str, size: int
) -> None:
    fields = {"filter": full["filter"].get(name), "stay": full["stay"]}
    whole = page(shared, name, 500, None, **fields)["data"][name]["nodes"]
    finding, after = [], None
    while True:
        result = page(shared, name, size, after, **fields)["data"][name]
        assert [edge["node"] for edge in result["edges"]] == result["nodes"]
        assert 1 <= len(result["nodes"]) <= size
        finding += result["nodes"]
        info = result["pageInfo"]
        assert info["startCursor"] == result["edges"][0]["cursor"]
        assert info["endCursor"] == result["edges"][-1]["cursor"]
        assert info["hasPreviousPage"] == (after is not None)
        if not info["hasNextPage"]:
            break
        after = info["endCursor"]

    assert finding == whole
    assert len({str(node) for node in finding}) == len(finding) >= 5


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_of_no_such_list_is_refused(shared: Ward, full: dict[str, Any], name: str) -> None:
    fields = {"filter": full["filter"].get(name), "stay": full["stay"]}
    others = [
        page(shared, other, 1, None, filter=full["filter"].get(other), stay=full["stay"])["data"][
            other
        ]["pageInfo"]["endCursor"]
        for other in LISTS
        if other != name
    ]
    odd = [
        encode_cursor(name),
        encode_cursor(name, 1, 2, 3, 4),
        encode_cursor(name, None),
        encode_cursor(name, "a", "b", "no uuid"),
        encode_cursor(name, "2026-W09", 1),
    ]
    for after in [*others, *odd, "garbage", "", "=", "é", "W10", "bnVsbA", "x" * 4_000]:
        answer = page(shared, name, 1, after, **fields)
        assert code(answer) == "InvalidInput", after
        assert answer["errors"][0]["message"].startswith("after:")
        assert "padding" not in answer["errors"][0]["message"]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("first", [0, -1, 501, 2**31 - 1])
def test_a_page_has_1_to_500_entries(
    shared: Ward, full: dict[str, Any], name: str, first: int
) -> None:
    fields = {"filter": full["filter"].get(name), "stay": full["stay"]}
    assert code(page(shared, name, first, None, **fields)) == "InvalidInput"
