"""Reports as a client asks for them: from recorded events, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api.ward import Ward, ago, late

REPORT = (
    "query($name: String!, $from: Date!, $to: Date!, $ward: String, $parameters:"
    " [ReportParameterInput!], $version: Int, $knownAt: DateTime, $knownAtPosition: Position,"
    " $atLeast: Position) { report(name: $name, period: {from: $from, to: $to}, ward: $ward,"
    " version: $version, parameters: $parameters, knownAt: $knownAt,"
    " knownAtPosition: $knownAtPosition, atLeast: $atLeast) { definition { name version }"
    " parameters { name value } period { from to } ward position digest canonical"
    " figures { name of { name value } unit value exact shown } } }"
)


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


def report(ward: Ward, name: str, first: int, last: int, /, **asked: Any) -> dict[str, Any]:
    """A report on the days so many days ago, both included."""
    variables = {"name": name, "from": days_ago(first), "to": days_ago(last), **asked}
    told: dict[str, Any] = ward.ask(REPORT, **variables)["report"]
    return told


def values(told: dict[str, Any], name: str) -> list[float | None]:
    return [figure["value"] for figure in told["figures"] if figure["name"] == name]


def test_a_late_discharge_changes_the_census_but_not_what_it_was_known_to_be(ward: Ward) -> None:
    room = ward.room()
    stay = ward.stay(f"{room}/a", at=ago(days=5))
    before = report(ward, "inpatient-census", 4, 2)
    told = ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=3)))
    after = report(ward, "inpatient-census", 4, 2, atLeast=told["position"])
    again = report(ward, "inpatient-census", 4, 2, knownAtPosition=before["position"])
    assert values(before, "census") == [1, 1, 1]
    assert values(after, "census") == [1, 0, 0]
    assert again == before
