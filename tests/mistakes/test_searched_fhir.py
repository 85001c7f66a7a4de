"""Mistakes of FHIR servers about what is searched for: nothing, a moment, another version or method."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.fhir.parameters import COMMON, DATE_TIME, criterion, matches
from api.fhir.registry import RESOURCES
from tests.api.test_fhir_requests import Stranger
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, late, place


@pytest.fixture(scope="module")
def stranger(shared: Ward) -> Stranger:
    return Stranger(shared)


SEARCHES = [(type, name) for type, r in RESOURCES.items() for name in sorted(r.searched_by)]


@pytest.mark.parametrize("blank", ["", "%20", ","])
def test_mistake_700_a_parameter_without_a_value_finds_not_all(
    stranger: Stranger, blank: str
) -> None:
    for type, name in SEARCHES:
        stranger.refusal(f"{type}?{name}={blank}", 400)
        stranger.refusal(f"{type}?_sort={blank}", 400)
    stranger.refusal(f"Encounter?patient.family={blank}", 400)
    for moment in ("asOf", "knownAt"):
        stranger.refusal(f"Patient/{stranger.patient}?{moment}={blank}", 400)
    for name in ("_type", "_since", "_count"):
        stranger.refusal(f"Patient/{stranger.patient}/$everything?{name}={blank}", 400)


LAST_UPDATED = COMMON["_lastUpdated"]


def found(prefix: str, asked: str, held: datetime) -> bool:
    resource = {"meta": {"lastUpdated": held.isoformat().replace("+00:00", "Z")}}
    return matches(criterion("_lastUpdated", prefix + asked, LAST_UPDATED), LAST_UPDATED, resource)


@given(
    asked=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    digits=st.integers(0, 9),
    off=st.timedeltas(timedelta(seconds=-2), timedelta(seconds=2))
    | st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1)]),
)
def test_mistake_701_a_moment_is_as_wide_as_it_was_written(
    asked: datetime, digits: int, off: timedelta
) -> None:
    fraction = f"{asked.microsecond:06}000"[:digits]
    text = f"{asked:%Y-%m-%dT%H:%M:%S}" + (f".{fraction}" if digits else "") + "Z"
    begin = asked.replace(microsecond=int(fraction.ljust(6, "0")[:6]) if digits else 0)
    end = begin + timedelta(microseconds=10 ** (6 - min(digits, 6)))
    held = begin + off
    inside = begin <= held < end
    for prefix, is_found in {
        "": inside,
        "eq": inside,
        "ne": not inside,
        "gt": held >= end,
        "sa": held >= end,
        "ge": held >= begin,
        "lt": held < begin,
        "eb": held < begin,
        "le": held < end,
    }.items():
        assert found(prefix, text, held) is is_found, (prefix, text, held)
    assert not inside or found("ap", text, held)


def test_mistake_701_what_was_told_with_microseconds_is_found_by_milliseconds(
    stranger: Stranger,
) -> None:
    (entry,) = stranger.get(f"Patient?_id={stranger.patient}")["entry"]
    moment = entry["resource"]["meta"]["lastUpdated"]
    assert DATE_TIME.fullmatch(moment)
    for digits in (3, 2, 1):
        asked = re.sub(rf"(\.\d{{{digits}}})\d*Z", r"\1Z", moment)
        for prefix, count in (("eq", 1), ("ge", 1), ("le", 1), ("ne", 0), ("gt", 0), ("eb", 0)):
            bundle = stranger.get(f"Patient?_id={stranger.patient}&_lastUpdated={prefix}{asked}")
            assert len(bundle.get("entry", [])) == count, (prefix, asked)


def test_mistake_706_a_stay_that_went_on_after_a_discharge_is_told_as_finished(
    ward: Ward, stranger: Stranger
) -> None:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a", at=ago(hours=30))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=20)))
    back = {"because": "DECISION_REVERSED", **place(f"{room}/b")}
    ward.record("cancelDischarge", stayId=stay, **back, **late(ago(hours=10)))
    encounter = stranger.get(f"Encounter/{stay}")
    beds = [(bed["period"]["start"], bed["period"].get("end")) for bed in encounter["location"]]
    assert encounter["status"] == "in-progress"
    assert [
        (s["status"], s["period"]["start"], s["period"]["end"]) for s in encounter["statusHistory"]
    ] == [("in-progress", *beds[0]), ("finished", beds[0][1], beds[1][0])]
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=5)))
    history = stranger.get(f"Encounter/{stay}")["statusHistory"]
    assert [s["status"] for s in history] == ["in-progress", "finished", "in-progress"]


def test_mistake_707_of_two_records_that_are_one_person_each_names_the_other(
    ward: Ward, stranger: Stranger
) -> None:
    """Whenever they were merged: who the person is does not depend on the moment asked about."""
    numbers = [ward.patient(), ward.patient()]
    query = "query($m: String) { patient(mrn: $m) { id } }"
    ids = [ward.ask(query, m=number)["patient"]["id"] for number in numbers]
    ward.record("mergePatients", patientMrn=numbers[0], intoMrn=numbers[1], reason="one person")
    for moment in ("", f"?asOf={ago(days=3)}", f"?asOf={ago(hours=-3)}"):
        links = [stranger.get(f"Patient/{id}{moment}")["link"] for id in ids]
        assert [[link["type"] for link in of_one] for of_one in links] == [
            ["replaced-by"],
            ["replaces"],
        ], moment


def response(stranger: Stranger, method: str, path: str, **headers: str) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}", **headers}
    return stranger.http.request(method, f"/fhir{path}", headers=headers)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_mistake_702_each_path_tells_its_own_methods(stranger: Stranger, method: str) -> None:
    for path, allowed in {
        "": "",
        "/Patient": "GET, HEAD",
        f"/Patient/{stranger.patient}": "GET, HEAD",
        f"/Patient/{stranger.patient}/_history": "GET, HEAD",
        "/Patient/_search": "POST",
        "/metadata": "GET, HEAD",
    }.items():
        result = response(stranger, method, path)
        assert ", ".join(sorted(result.headers["allow"].split(", "))) == allowed, path
        assert result.status_code == (204 if method == "OPTIONS" else 405)
        assert result.status_code == 204 or result.json()["resourceType"] == "OperationOutcome"
    assert response(stranger, "GET", "/Patient/_search").headers["allow"] == "POST"


def test_mistake_703_another_version_than_the_one_wanted_is_not_told(stranger: Stranger) -> None:
    path = f"/Patient/{stranger.patient}"
    tag = response(stranger, "GET", path).headers["etag"]
    for wanted, status in ((tag, 200), ("*", 200), (f'W/"1", {tag}', 200), ('W/"1"', 412)):
        result = response(stranger, "GET", path, **{"If-Match": wanted})
        assert result.status_code == status, wanted
        result = response(stranger, "PUT", path, **{"If-Match": wanted})
        assert result.status_code == 405, wanted
        assert "If-Match" in result.json()["issue"][0]["diagnostics"]


def statuses(stranger: Stranger, stay: str) -> list[tuple[str, str, str]]:
    history = stranger.get(f"Encounter/{stay}")["statusHistory"]
    return [(s["status"], s["period"]["start"], s["period"]["end"]) for s in history]


def test_mistake_792_what_was_reversed_is_told_as_if_it_held_on(
    ward: Ward, stranger: Stranger
) -> None:
    """A discharge into a place without a bed, a leave, and a return."""
    query = "query($i: ID!) { stay(id: $i) { movements { id kind occurredAt reversedAt } } }"
    begin, gone, back, again = (ago(hours=hours) for hours in (30, 20, 15, 10))
    room = ward.room("a", "b", "c")
    stays = [ward.stay(f"{room}/{bed}", at=begin) for bed in "abc"]
    ward.record("dischargePatient", stayId=stays[0], disposition="HOME", **late(gone))
    place_and_reason = {"withoutBed": "corridor", "because": "DECISION_REVERSED"}
    ward.record("cancelDischarge", stayId=stays[0], **place_and_reason, **late(again))
    for stay in stays[1:]:
        ward.record("startLeave", stayId=stay, keepBed=True, **late(gone))
    ward.record("endLeave", stayId=stays[2], **late(back))
    for stay in stays[1:]:
        last = ward.ask(query, i=stay)["stay"]["movements"][-1]
        reversal = {"movementId": last["id"], "because": "DECISION_REVERSED"}
        ward.record("cancelMovement", **reversal, **late(again))
    movements = [ward.ask(query, i=stay)["stay"]["movements"] for stay in stays]
    times = [{m["kind"]: m["occurredAt"] for m in of_stay} for of_stay in movements]
    reversals = [m["reversedAt"] for of_stay in movements for m in of_stay if m["reversedAt"]]
    assert len(reversals) == 3
    for stay, kind, status, moment, its in zip(
        stays,
        ("STAY_DISCHARGED", "STAY_LEAVE_STARTED", "STAY_LEAVE_ENDED"),
        ("finished", "onleave", "in-progress"),
        reversals,
        times,
        strict=True,
    ):
        assert statuses(stranger, stay)[-1] == (status, its[kind], moment), kind
    assert [s for s, *_ in statuses(stranger, stays[2])] == [
        "in-progress",
        "onleave",
        "in-progress",
    ]


def total(stranger: Stranger, path: str) -> int:
    return len(stranger.get(path).get("entry", []))


def test_mistake_938_an_address_of_another_server_finds_what_is_here(stranger: Stranger) -> None:
    own = stranger.get(f"Patient/{stranger.patient}/$everything")["entry"][0]["fullUrl"]
    own = own.removesuffix(f"Patient/{stranger.patient}")
    scheme, _, path = own.partition("://")
    host, _, base = path.partition("/")
    addresses = {
        own: 1,
        f"{scheme.upper()}://{host.upper()}/{base}": 1,
        f"https://{host}:443/{base}": 1,
        "": 1,
        "https://other.example/fhir/": 0,
        own + "other/": 0,
        f"http://{host}:1/{base}": 0,
        f"http://[{host}/{base}": 0,
    }
    for address, number in addresses.items():
        patient = f"{address}Patient/{stranger.patient}"
        for path in (
            f"Encounter?patient={patient}",
            f"Encounter?subject={patient}",
            f"Flag?patient={patient}",
            f"MedicationRequest?encounter.patient={patient}",
            f"Provenance?target={address}Encounter/{stranger.stay}&_count=1",
        ):
            assert total(stranger, path) == number, path
    both = f"https://other.example/fhir/Patient/{stranger.patient},{own}Patient/{stranger.patient}"
    assert total(stranger, f"Encounter?patient={both}") == 1


def test_mistake_939_what_did_not_change_brings_its_places_along(stranger: Stranger) -> None:
    everything = f"Patient/{stranger.patient}/$everything"
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert total(stranger, f"{everything}?_type=Location") > 0
    assert total(stranger, f"{everything}?_since=2020-01-01&_type=Location") > 0
    assert total(stranger, f"{everything}?_since={later}") == 0


def test_mistake_940_a_bar_within_a_number_is_read_as_the_end_of_its_system(
    stranger: Stranger, shared: Ward
) -> None:
    name = "A|B|" + shared.name("M")
    shared.record(
        "registerPatient", mrn=name, birthDate="1970-01-01", sex="FEMALE", familyName="Bar"
    )
    escaped = name.replace("|", "\\|")
    patient = stranger.get(f"Patient?identifier={escaped}")["entry"][0]["resource"]
    system = patient["identifier"][0]["system"]
    assert patient["identifier"][0]["value"] == name
    assert total(stranger, f"Patient?identifier={system}|{escaped}") == 1
    assert total(stranger, f"Patient?identifier={system}|{escaped}&_count=0&_total=accurate") == 0
    assert total(stranger, f"Patient?identifier={system}|{name.partition('|')[2]}") == 0
    assert total(stranger, f"Patient?identifier={name}") == 0


@given(st.text(alphabet="ab\\|,$", min_size=1), st.none() | st.text(alphabet="ab:"))
def test_mistake_940_each_code_is_found_as_it_is_escaped(code: str, system: str | None) -> None:
    parameter = RESOURCES["Patient"].searched_by["identifier"]
    escaped = re.sub(r"([\\|,$])", r"\\\1", code)
    asked = escaped if system is None else f"{system}|{escaped}"
    resource = {"identifier": [{"value": code, **({"system": system} if system else {})}]}
    assert matches(criterion("identifier", asked, parameter), parameter, resource)
