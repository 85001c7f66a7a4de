"""Tests of timeliness: how soon what happens is in the record."""

from application.reports.inputs import EntryDelay
from application.reports.timeliness import TIMELINESS_1
from tests.support.report_house import asked, figure, known

HOUR, SECOND = 3600, 1_000_000
FACTS = (
    EntryDelay(
        known("one"), "STAY_TRANSFERRED", 9, "A", [60 * SECOND, 120 * SECOND, HOUR * SECOND]
    ),
    EntryDelay(known("two"), "STAY_VISIT_RECORDED", 23, None, [(HOUR + 1) * SECOND]),
)


def test_an_hour_is_in_time_and_a_second_more_is_late() -> None:
    result = asked(TIMELINESS_1, "03-01", "03-31", entry_delays=FACTS)
    assert (figure(result, "facts"), figure(result, "late")) == (4, 25)
    assert figure(result, "medianDelay") == (120 + HOUR) // 2
    assert figure(result, "percentile90") == HOUR + 1


def test_it_is_told_by_ward_kind_and_hour() -> None:
    result = asked(TIMELINESS_1, "03-01", "03-31", entry_delays=FACTS)
    facts = {r.of: r.value for r in result.rows if r.figure.startswith("facts")}
    assert facts == {
        (): 4,
        (("ward", "A"),): 3,
        (("ward", "without a bed"),): 1,
        (("kind", "STAY_TRANSFERRED"),): 3,
        (("kind", "STAY_VISIT_RECORDED"),): 1,
        (("hour", "09"),): 3,
        (("hour", "23"),): 1,
    }


def test_records_of_one_person_are_one_subject() -> None:
    persons = {known("two"): known("one")}
    question = asked(TIMELINESS_1, "03-01", "03-31", entry_delays=FACTS, persons=persons)
    assert figure(question, "facts") == 4
