"""The prescription's state machine, planned times, and changes that are entered late."""

import pytest

from domain.prescription.aggregate import Prescription
from domain.refusals import (
    InvalidInput,
    PrescriptionStateBroken,
)
from domain.time import widest_span
from tests.support.aggregate_dsl import (
    DR_MEYER,
    PATIENT,
    STAY,
    Act,
    Told,
    at,
    given,
    period,
)
from tests.support.prescriptions import (
    AMOXICILLIN,
    a_prescription,
    change,
    changed,
    complete,
    completed,
    course,
    gave,
    held,
    hold,
    resume,
    resumed,
    stop,
    stopped,
    write,
    written,
)

BEFORE: dict[str, tuple[Told, ...]] = {
    "scheduled": (written("08:00", start="12:00"),),
    "active": (written("08:00"),),
    "held": (written("08:00"), held("09:00")),
    "stopped": (written("08:00"), stopped("09:00")),
    "completed": (written("08:00"), completed("09:00")),
    "run its course": (written("08:00", stop="09:00"),),
}

COMMANDS: dict[str, Act[Prescription]] = {
    "change": change("10:00", dose="1 g"),
    "hold": hold("10:00"),
    "resume": resume("10:00"),
    "stop": stop("10:00"),
    "complete": complete("10:00"),
}

TABLE = """
         | scheduled      | active         | held        | stopped | completed | run its course
change   | SCHEDULED 1 g  | ACTIVE 1 g     | HELD 1 g    | refused | refused   | refused
hold     | refused        | HELD 500 mg    | refused     | refused | refused   | refused
resume   | refused        | refused        | ACTIVE 500 mg | refused | refused | refused
stop     | STOPPED 500 mg | STOPPED 500 mg | STOPPED 500 mg | refused | refused | refused
complete | refused        | COMPLETED 500 mg | COMPLETED 500 mg | refused | refused | refused
"""


def cells() -> list[tuple[str, str, str]]:
    head, *rows = [[c.strip() for c in row.split("|")] for row in TABLE.strip("\n").split("\n")]
    return [(row[0], state, row[n]) for row in rows for n, state in enumerate(head) if n]


def test_the_table_has_every_command_and_every_state() -> None:
    assert {command for command, _, _ in cells()} == set(COMMANDS)
    assert {state for _, state, _ in cells()} == set(BEFORE)


@pytest.mark.parametrize(("command", "before", "after"), cells())
def test_only_the_transitions_of_the_state_machine(  # mistake 15
    command: str, before: str, after: str
) -> None:
    outcome = given(a_prescription(), *BEFORE[before]).when(COMMANDS[command])
    if after == "refused":
        outcome.then_refused(PrescriptionStateBroken)
        return
    assert outcome.refusal is None
    assert f"{status_at(outcome.aggregate, '10:00')} {dose_at(outcome.aggregate, '10:00')}" == after
    assert outcome.aggregate.course.problems(widest_span) == []


def status_at(prescription: Prescription, moment: str) -> str:
    status = prescription.course.status_at(at(moment))
    return status.value if status else "-"


def dose_at(prescription: Prescription, moment: str) -> str | None:
    segments = prescription.course.segments()
    return next((r.dose for p, _, r in segments if at(moment) in p), None)


# -- writing, and planned times --


def test_a_prescription_says_what_for_whom_and_by_whom() -> None:
    prescription = given(a_prescription()).when(write("08:00")).then(Prescription.Written)
    assert (prescription.stay, prescription.patient) == (STAY, PATIENT)
    assert (prescription.medication, prescription.prescriber) == (AMOXICILLIN, DR_MEYER)
    assert course(prescription) == ["08:00- ACTIVE 500 mg"]


def test_a_planned_start_and_stop_make_it_active_and_complete_by_themselves() -> None:
    act = write("08:00", start="12:00", stop="Tue 12:00")
    prescription = given(a_prescription()).when(act).then(Prescription.Written)
    assert course(prescription) == [
        "08:00-12:00 SCHEDULED 500 mg",
        "12:00-Tue 12:00 ACTIVE 500 mg",
        "Tue 12:00- COMPLETED 500 mg",
    ]
    assert prescription.course.period == period("12:00", "Tue 12:00")


def test_a_prescription_that_is_written_after_it_started_is_active_from_its_start() -> None:
    prescription = given(a_prescription()).when(write("08:00", start="06:00")).aggregate
    assert course(prescription) == ["06:00- ACTIVE 500 mg"]
    assert prescription.course.status_at(at("05:59")) is None


def test_a_prescription_that_stops_before_it_starts_was_called_off() -> None:
    act = write("08:00", start="12:00", stop="10:00")
    assert course(given(a_prescription()).when(act).aggregate) == [
        "08:00-10:00 SCHEDULED 500 mg",
        "10:00- STOPPED 500 mg",
    ]
    act = write("08:00", start="12:00", stop="07:59")
    given(a_prescription()).when(act).then_refused(InvalidInput, field="stop")


def test_a_single_moment_is_a_course_too() -> None:
    act = write("08:00", start="12:00", stop="12:00")
    assert course(given(a_prescription()).when(act).aggregate) == [
        "08:00-12:00 SCHEDULED 500 mg",
        "12:00- COMPLETED 500 mg",
    ]


def test_a_hold_does_not_outlast_the_planned_stop() -> None:
    prescription = given(a_prescription(), written("08:00", stop="12:00"), held("10:00")).aggregate
    assert course(prescription) == [
        "08:00-10:00 ACTIVE 500 mg",
        "10:00-12:00 HELD 500 mg",
        "12:00- COMPLETED 500 mg",
    ]


# -- one after the other --


def test_hold_resume_change_and_stop_in_order() -> None:
    prescription = given(a_prescription(), written("08:00")).aggregate
    given(prescription).when(hold("09:00")).then(Prescription.Held)
    given(prescription).when(resume("10:00")).then(Prescription.Resumed)
    given(prescription).when(change("11:00", dose="1 g")).then(Prescription.Changed)
    given(prescription).when(stop("12:00")).then(Prescription.Stopped)
    assert course(prescription) == [
        "08:00-09:00 ACTIVE 500 mg",
        "09:00-10:00 HELD 500 mg",
        "10:00-11:00 ACTIVE 500 mg",
        "11:00-12:00 ACTIVE 1 g",
        "12:00- STOPPED 1 g",
    ]
    assert prescription.course.period == period("08:00", "12:00")


def test_a_change_keeps_what_it_does_not_name() -> None:
    prescription = given(a_prescription(), written("08:00", stop="12:00")).aggregate
    given(prescription).when(change("10:00", dose="1 g")).then(Prescription.Changed)
    (_, before), (_, after), _ = [(s, r) for _, s, r in prescription.course.segments()]
    assert (after.route, after.frequency, after.stop) == ("oral", "every 8 hours", at("12:00"))
    assert (before.dose, after.dose) == ("500 mg", "1 g")


def test_a_planned_stop_can_be_moved_both_ways() -> None:
    later = given(a_prescription(), written("08:00", stop="12:00")).when(
        change("10:00", stop="14:00")
    )
    assert course(later.aggregate)[-1] == "14:00- COMPLETED 500 mg"
    sooner = given(a_prescription(), written("08:00", stop="12:00")).when(
        change("10:00", stop="11:00")
    )
    assert course(sooner.aggregate)[-1] == "11:00- COMPLETED 500 mg"


def test_a_course_that_has_run_is_not_extended_afterwards() -> None:
    past = written("08:00", stop="12:00")
    given(a_prescription(), past).when(change("12:00", stop="14:00")).then_refused(
        PrescriptionStateBroken
    )
    given(a_prescription(), past).when(change("11:59", stop="14:00")).then(Prescription.Changed)


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (change("10:00"), "dose"),
        (change("10:00", stop="09:59"), "stop"),
    ],
)
def test_a_change_that_says_nothing_or_stops_too_early_makes_no_sense(
    act: Act[Prescription], field: str
) -> None:
    given(a_prescription(), written("08:00")).when(act).then_refused(InvalidInput, field=field)


def test_what_is_withdrawn_before_its_start_never_begins() -> None:
    prescription = given(a_prescription(), written("08:00", start="12:00")).when(stop("10:00"))
    assert course(prescription.aggregate) == [
        "08:00-10:00 SCHEDULED 500 mg",
        "10:00- STOPPED 500 mg",
    ]
    assert prescription.aggregate.course.period.is_empty


# -- before there was a prescription --


@pytest.mark.parametrize(
    "act",
    [
        change("07:59", dose="1 g"),
        change("07:59", stop="12:00"),
        hold("07:59"),
        resume("07:59"),
        stop("07:59"),
        complete("07:59"),
    ],
)
@pytest.mark.parametrize("start", ["08:00", "10:00"])
def test_nothing_happens_to_a_prescription_before_it_is_written(
    act: Act[Prescription], start: str
) -> None:
    given(a_prescription(), written("08:00", start=start)).when(act).then_refused(
        PrescriptionStateBroken
    )


def test_a_prescription_written_late_can_be_stopped_before_it_was_written() -> None:
    late = given(a_prescription(), written("10:00", start="08:00")).when(stop("09:00"))
    assert course(late.aggregate) == ["08:00-09:00 ACTIVE 500 mg", "09:00- STOPPED 500 mg"]


# -- late --


def test_a_late_hold_fits_before_a_stop() -> None:
    prescription = given(a_prescription(), written("08:00"), stopped("12:00")).when(hold("10:00"))
    assert course(prescription.aggregate) == [
        "08:00-10:00 ACTIVE 500 mg",
        "10:00-12:00 HELD 500 mg",
        "12:00- STOPPED 500 mg",
    ]


def test_a_late_change_holds_until_the_next_one() -> None:
    past = (written("08:00"), changed("12:00", dose="2 g"))
    prescription = given(a_prescription(), *past).when(change("10:00", dose="1 g")).aggregate
    assert course(prescription) == [
        "08:00-10:00 ACTIVE 500 mg",
        "10:00-12:00 ACTIVE 1 g",
        "12:00- ACTIVE 2 g",
    ]


def test_a_late_hold_before_a_hold_lists_the_second() -> None:
    given(a_prescription(), written("08:00"), held("12:00"), resumed("13:00")).when(
        hold("10:00")
    ).then_contradicts(("prescription held", "12:00"))


def test_a_late_resume_takes_the_hold_away_from_the_later_one() -> None:
    given(a_prescription(), written("08:00"), held("10:00"), resumed("13:00")).when(
        resume("12:00")
    ).then_contradicts(("prescription resumed", "13:00"))


@pytest.mark.parametrize("act", [stop("09:00"), complete("09:00"), change("08:30", stop="09:00")])
def test_an_end_that_is_entered_late_lists_every_change_and_dose_after_it(
    act: Act[Prescription],
) -> None:
    past = (written("08:00"), gave("09:30"), held("10:00"), changed("11:00", dose="1 g"))
    given(a_prescription(), *past, resumed("12:00"), gave("13:00"), stopped("14:00")).when(
        act
    ).then_contradicts(
        ("prescription held", "10:00"),
        ("prescription changed", "11:00"),
        ("prescription resumed", "12:00"),
        ("prescription stopped", "14:00"),
        ("dose", "09:30"),
        ("dose", "13:00"),
    )


def test_a_longer_plan_that_is_entered_late_is_cut_by_the_later_plan() -> None:
    past = (written("08:00"), changed("12:00", stop="13:00"))
    prescription = given(a_prescription(), *past).when(change("10:00", stop="18:00")).aggregate
    assert course(prescription)[-1] == "13:00- COMPLETED 500 mg"


def test_changes_at_the_same_moment_follow_the_order_of_recording() -> None:
    prescription = given(a_prescription(), written("08:00"), held("10:00")).when(resume("10:00"))
    assert course(prescription.aggregate) == ["08:00- ACTIVE 500 mg"]
    given(a_prescription(), written("08:00"), stopped("10:00")).when(hold("10:00")).then_refused(
        PrescriptionStateBroken
    )


def test_a_release_between_two_that_are_known_is_told_with_the_hold_that_ended_it() -> None:
    story = given(a_prescription(), written("08:00"), held("09:00"), resumed("12:00"))
    assert story.when(resume("10:00")).refusal
    assert story.when(hold("11:00")).refusal
    story.when(resume("10:00", until="10:00")).then_refused(InvalidInput, field="until")
    outcome = story.when(resume("10:00", until="11:00"))
    assert course(outcome.then(Prescription.Resumed, Prescription.Held)) == [
        "08:00-09:00 ACTIVE 500 mg",
        "09:00-10:00 HELD 500 mg",
        "10:00-11:00 ACTIVE 500 mg",
        "11:00-12:00 HELD 500 mg",
        "12:00- ACTIVE 500 mg",
    ]
