"""Mistakes of FHIR servers about the moment of a page, and two changes within one second."""

from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.test_fhir_requests import Stranger
from tests.support.api_dsl import Ward, ago, late


@pytest.fixture(scope="module")
def stranger(shared: Ward) -> Stranger:
    for hours in (5, 6):
        shared.stay(at=ago(hours=hours))
    stranger = Stranger(shared)
    query = "query($i: ID!) { stay(id: $i) { patient { mrn } } }"
    mrn = shared.ask(query, i=stranger.stay)["stay"]["patient"]["mrn"]
    for name in ("Odd", "Queer"):
        shared.record("correctPatientDetails", patientMrn=mrn, familyName=name, reason="typed so")
        details = {"patientMrn": mrn, "substance": {"name": name}}
        shared.record("recordAllergy", **details, **late(ago(hours=2)))
    return stranger


@pytest.mark.parametrize(
    "path",
    [
        "Encounter?_count=1",
        "Encounter?_count=1&_sort=date",
        "Patient/{patient}/$everything?_count=1",
        "Provenance?target=Encounter/{stay}&_count=1",
        "Patient/{patient}/_history?_count=1",
    ],
)
def test_mistake_930_each_page_is_of_another_moment(stranger: Stranger, path: str) -> None:
    following = path.format(patient=stranger.patient, stay=stranger.stay)
    began = datetime.now(UTC)
    moments = []
    for _ in range(2):
        (link,) = [n for n in stranger.get(following)["link"] if n["relation"] == "next"]
        following = link["url"].partition("/fhir/")[2]
        moments.append(parse_qs(urlsplit(following).query)["asOf"])
    assert moments[0] == moments[1]
    (moment,) = map(datetime.fromisoformat, moments[0])
    assert began <= moment <= datetime.now(UTC)


def test_mistake_931_what_changed_again_within_a_second_is_told_as_not_changed(
    shared: Ward, stranger: Stranger
) -> None:
    mrn = shared.patient(familyName="First")
    query = "query($m: String) { patient(mrn: $m) { id } }"
    path = f"Patient/{shared.ask(query, m=mrn)['patient']['id']}"
    for name in ("Second", "Third", "Fourth"):
        shared.record("correctPatientDetails", patientMrn=mrn, familyName=name, reason="typed so")
        versions = stranger.get(f"{path}/_history")["entry"]
        times = [
            datetime.fromisoformat(e["resource"]["meta"]["lastUpdated"]).replace(microsecond=0)
            for e in versions
        ]
        for number, time in enumerate(times):
            headers = {"If-Modified-Since": format_datetime(time, usegmt=True)}
            status = 304 if number == 0 and times[1] < time else 200
            assert stranger.response(path, **headers).status_code == status
    # a date of a clock that is ahead says nothing: what changes until then would never be told
    headers = {"If-Modified-Since": "Fri, 31 Dec 2999 23:59:59 GMT"}
    assert stranger.response(path, **headers).status_code == 200
