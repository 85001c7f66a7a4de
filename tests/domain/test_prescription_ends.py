"""Tests of the ends of prescriptions: by a discharge, by a death; and the drug chart."""

import pytest

from domain.prescription.aggregate import Prescription
from domain.prescription.course import PrescriptionStatus
from domain.prescription.drug_chart import DrugChart
from domain.refusals import (
    ContradictsLaterFacts,
    PatientDied,
)
from domain.time import KnownTime
from tests.domain.test_prescription_states import BEFORE, status_at
from tests.support.aggregate_dsl import (
    PATIENT,
    STAY,
    Act,
    at,
    entry,
    given,
    known,
)
from tests.support.prescriptions import (
    DISCHARGE,
    a_prescription,
    change,
    gave,
    held,
    hold,
    resume,
    stop,
    stopped,
    write,
    written,
)

# -- discharge and death --


def test_a_stop_by_discharge_names_its_discharge() -> None:
    outcome = given(a_prescription(), written("08:00")).when(stop("12:00", discharge=DISCHARGE))
    outcome.then(Prescription.Stopped)
    (event,) = outcome.events
    assert isinstance(event, Prescription.Stopped)
    assert event.discharge == DISCHARGE


@pytest.mark.parametrize(
    ("before", "live"),
    [
        ("scheduled", True),
        ("active", True),
        ("held", True),
        ("stopped", False),
        ("completed", False),
        ("run its course", False),
    ],
)
def test_a_discharge_has_to_stop_what_has_not_ended(before: str, live: bool) -> None:
    prescription = given(a_prescription(), *BEFORE[before]).aggregate
    prescription.follow_stay({DISCHARGE: KnownTime(at("10:00"))}, DISCHARGE, entry("12:00"))
    assert bool(prescription.collect_events()) is live


def test_one_discharge_stops_several_prescriptions_by_acts_of_different_ids() -> None:
    said = entry("12:00")
    ids = []
    for name in ("one", "other"):
        outcome = given(a_prescription(known(name)), written("08:00")).when(
            lambda prescription: prescription.stop(said, DISCHARGE)
        )
        (event,) = outcome.events
        assert isinstance(event, Prescription.Stopped)
        ids.append(event.change)
    assert len(set(ids)) == 2


def test_the_facts_after_a_discharge_are_the_writing_and_the_doses() -> None:
    past = (written("08:00"), gave("09:00"), held("10:00"), gave("12:00"))
    prescription = given(a_prescription(), *past).aggregate
    result = {
        moment: [f.kind for f in prescription.facts_after(at(moment))]
        for moment in ("07:00", "08:00", "09:00", "11:00", "12:00")
    }
    assert result == {
        "07:00": ["prescription", "dose", "dose"],
        "08:00": ["dose", "dose"],
        "09:00": ["dose"],
        "11:00": ["dose"],
        "12:00": [],
    }


@pytest.mark.parametrize(
    "act",
    [
        write("10:00", died="09:30"),
        write("10:00", start="09:00", died="09:30"),
        write("09:00", start="10:00", died="09:30"),
    ],
)
def test_nothing_is_prescribed_for_after_the_death(act: Act[Prescription]) -> None:
    given(a_prescription()).when(act).then_refused(PatientDied, died_at=at("09:30"))


def test_what_was_prescribed_up_to_the_death_can_be_written_afterwards() -> None:
    given(a_prescription()).when(write("09:30", died="09:30")).then(Prescription.Written)


def test_a_death_lists_the_prescription_and_the_doses_after_it() -> None:
    given(a_prescription(), written("10:00"), gave("11:00"), gave("12:00")).when(
        lambda prescription: prescription.must_outlive(at("09:00"))
    ).then_contradicts(("prescription", "10:00"), ("dose", "11:00"), ("dose", "12:00"))
    given(a_prescription(), written("10:00"), gave("11:00")).when(
        lambda prescription: prescription.must_outlive(at("11:00"))
    ).then()


# -- the drug chart --


def test_the_drug_chart_lists_the_prescriptions_of_a_stay() -> None:
    chart = DrugChart.empty(DrugChart.id_for(STAY))
    chart.chart(STAY, known("one"), entry("08:00"))
    chart.chart(STAY, known("other"), entry("09:00"))
    assert chart.prescriptions == (known("one"), known("other"))
    assert DrugChart.id_for(STAY) != DrugChart.id_for(PATIENT)


def test_the_ended_statuses_are_told_apart() -> None:
    ends = {
        status_at(given(a_prescription(), *BEFORE[b]).aggregate, "10:00")
        for b in ("stopped", "completed", "run its course")
    }
    assert ends == {PrescriptionStatus.STOPPED, PrescriptionStatus.COMPLETED}


@pytest.mark.parametrize(
    ("state", "order"),
    [
        ("active", hold("10:00", died="09:30")),
        ("active", change("10:00", dose="1 g", died="09:30")),
        ("held", resume("10:00", died="09:30")),
    ],
)
def test_nothing_is_ordered_after_a_death(state: str, order: Act[Prescription]) -> None:
    given(a_prescription(), *BEFORE[state]).when(order).then_refused(PatientDied)


def test_a_time_of_death_before_a_later_order_is_refused_naming_it() -> None:
    prescription = given(a_prescription(), written("08:00"), held("10:00")).aggregate
    with pytest.raises(ContradictsLaterFacts) as refusal:
        prescription.must_outlive(at("09:30"))
    assert [f.kind for f in refusal.value.facts] == ["prescription held"]
    prescription.must_outlive(at("10:00"))


def test_a_prescription_may_end_after_a_death() -> None:
    given(a_prescription(), written("08:00"), stopped("10:00")).aggregate.must_outlive(at("09:30"))
