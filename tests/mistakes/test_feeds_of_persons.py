"""Mistakes of other systems about whom a feed reports: see `test_covered` for the list."""

from itertools import permutations
from typing import Any

import pytest

from tests.mistakes.test_feeds import send_message
from tests.support.api_dsl import Ward, ago, place


def person(ward: Ward, mrn: str) -> dict[str, Any]:
    result: dict[str, Any] = ward.ask(
        "query($mrn: String!) { patient(mrn: $mrn) { mrn stays { status bed } } }", mrn=mrn
    )["patient"]
    return result


def orders(reports: int) -> pytest.MarkDecorator:
    """Parametrize over orders of arrival: by day the first, the last and one between."""
    every = list(permutations(range(reports)))
    by_day = (every[0], every[-1], every[len(every) // 2 - 1])
    return pytest.mark.parametrize(
        "order",
        [pytest.param(o, marks=[] if o in by_day else pytest.mark.nightly) for o in every],
        ids=str,
    )


@pytest.mark.parametrize("kind", ["MERGE", "CHANGE_MRN"])
@orders(4)
def test_mistake_154_a_merge_or_another_number_holds_in_whichever_order_it_comes(
    ward: Ward, kind: str, order: tuple[int, ...]
) -> None:
    room, old, new = ward.room("a", "b"), ward.name("O"), ward.name("N")
    first, second, link = ward.name("V"), ward.name("V"), ward.name("L")
    change = {"kind": kind, "formerMrn": old, "patientMrn": new, "occurredAt": ago(hours=5)}
    details = {"patient": {"familyName": "Adeyemi"}}
    admits = {"kind": "ADMIT", **details}
    reports: list[tuple[str, str, dict[str, Any]]] = [
        (
            first,
            "1",
            {**admits, "patientMrn": old, "occurredAt": ago(hours=9), **place(f"{room}/a")},
        ),
        (first, "2", {"kind": "DISCHARGE", "occurredAt": ago(hours=7), "disposition": "HOME"}),
        (link, "3", {**change, **details} if kind == "MERGE" else change),
        (
            second,
            "4",
            {**admits, "patientMrn": new, "occurredAt": ago(hours=3), **place(f"{room}/b")},
        ),
    ]
    for i in (*order, order[0]):  # the first comes twice
        visit, id, movement = reports[i]
        send_message(ward, visit, id, i, movement=movement)
    stays = person(ward, new)["stays"]
    assert [(s["status"], s["bed"]) for s in stays] == [("DISCHARGED", None), ("ADMITTED", "b")]
    assert ward.execute("registerPatient", mrn=new)["code"] == "AlreadyExists"
    answer = send_message(ward, link, "3", 9, cancelled=True)
    assert answer["sourceMovement"]["status"] == "CANCELLED"
    # two records are two again; of one that was known by the former number only, the other is gone
    known, changed, used = (order.index(report) for report in (0, 2, 3))
    were_two = kind == "MERGE" or changed > max(known, used)
    assert len(person(ward, old)["stays"]) == (1 if were_two else 2)
    if not were_two and known < used:
        assert ward.execute("registerPatient", mrn=new)["__typename"] == "PatientRecorded"
    else:
        assert len(person(ward, new)["stays"]) == (1 if were_two else 2)


def test_mistake_155_a_visit_of_another_patient_goes_to_him_with_all_that_the_staff_told(
    ward: Ward,
) -> None:
    for order in permutations(range(3)):
        room, visit = ward.room("a", "b"), ward.name("V")
        wrong, right = ward.patient(), ward.patient()
        reports: list[dict[str, Any]] = [
            {
                "kind": "ADMIT",
                "patientMrn": wrong,
                "occurredAt": ago(hours=9),
                **place(f"{room}/a"),
            },
            {"kind": "TRANSFER", "occurredAt": ago(hours=8), **place(f"{room}/b")},
            {"kind": "MOVE_STAY", "patientMrn": right, "occurredAt": ago(hours=6)},
        ]
        for i in order:
            answer = send_message(ward, visit, str(i), i, movement=reports[i])
            if answer["ofStay"] and i == 0:
                stay = answer["ofStay"]["id"]
                ward.prescription(stay, occurredAt=ago(hours=7))
        assert answer["sourceMovement"]["status"] == "RECORDED"
        assert [s["bed"] for s in person(ward, right)["stays"]] == ["b"]
        assert person(ward, wrong)["stays"] == []
        send_message(ward, visit, "2", 9, cancelled=True)
        assert [s["bed"] for s in person(ward, wrong)["stays"]] == ["b"]
        assert person(ward, right)["stays"] == []


@orders(4)
def test_mistake_156_a_planned_admission_of_a_feed_is_expected_until_the_patient_comes(
    ward: Ward, order: tuple[int, ...]
) -> None:
    room, visit, mrn = ward.room("a"), ward.name("V"), ward.patient()
    name = room.partition("/")[0]
    planned = {"kind": "EXPECT", "patientMrn": mrn, "occurredAt": ago(days=3), "ward": name}
    reports: list[dict[str, Any]] = [
        {**planned, "expectedAt": ago(hours=9)},
        {**planned, "expectedAt": ago(hours=8)},
        {"kind": "ADMIT", "patientMrn": mrn, "occurredAt": ago(hours=7), **place(f"{room}/a")},
        {"kind": "DISCHARGE", "occurredAt": ago(hours=6), "disposition": "DIED"},
    ]
    for i in order:
        send_message(ward, visit, str(max(i, 1)), i, movement=reports[i])
    query = (
        "query($mrn: String!) { expectedArrivals(filter: {patientMrn: $mrn, statuses: [PLANNED,"
        " CONVERTED, CANCELLED, EXPIRED]}) { edges { node { status expectedAt ward } } } }"
    )
    result = [e["node"] for e in ward.ask(query, mrn=mrn)["expectedArrivals"]["edges"]]
    assert [(a["status"], a["expectedAt"], a["ward"]) for a in result] == [
        ("CONVERTED", reports[1]["expectedAt"], name)
    ]
    send_message(ward, visit, "1", 20, cancelled=True)
    assert ward.ask(query, mrn=mrn)["expectedArrivals"]["edges"] == []
    assert [s["status"] for s in person(ward, mrn)["stays"]] == ["DISCHARGED"]
