"""The stay's state machine: every command in every state, as docs and ward say it."""

import pytest

from domain.refusals import OutsideStay, PatientDied, Refusal, StayNotOpen, StayStateBroken
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType
from domain.stay.facts import DischargePlan, Disposition, Place, Status
from tests.support.aggregate_dsl import (
    DR_MEYER,
    DR_OKAFOR,
    PATIENT,
    STAY,
    A,
    Act,
    B,
    Told,
    at,
    given,
)
from tests.support.stays import (
    a_stay,
    admit,
    admitted,
    allocate_room,
    allocated,
    change_attending,
    change_specialty,
    discharge,
    discharged,
    end_leave,
    is_at,
    lay,
    left,
    plan_discharge,
    planned,
    record_visit,
    stands,
    start_leave,
    states,
    swap_into,
    transfer,
)

BEFORE: dict[str, tuple[Told, ...]] = {
    "nothing": (),
    "no bed": (admitted("08:00"),),
    "in A": (admitted("08:00"), allocated(A, "08:30")),
    "A kept": (admitted("08:00"), allocated(A, "08:30"), left("09:00", keeps_bed=True)),
    "released": (admitted("08:00"), allocated(A, "08:30"), left("09:00", keeps_bed=False)),
    "gone": (admitted("08:00"), allocated(A, "08:30"), discharged("09:00")),
}

COMMANDS: dict[str, Act[Stay]] = {
    "admit": admit("10:00"),
    "allocate A": allocate_room(A, "10:00"),
    "allocate B": allocate_room(B, "10:00"),
    "transfer to A": transfer(A, "10:00"),
    "transfer to B": transfer(B, "10:00"),
    "to the hall": transfer("hall", "10:00"),
    "swap into B": swap_into(B, "10:00"),
    "leave, keep bed": start_leave("10:00", keeps_bed=True),
    "leave, release": start_leave("10:00", keeps_bed=False),
    "return": end_leave("10:00"),
    "return to B": end_leave("10:00", B),
    "return to hall": end_leave("10:00", "hall"),
    "attending": change_attending("10:00"),
    "specialty": change_specialty("10:00"),
    "visit": record_visit("10:00"),
    "plan discharge": plan_discharge("10:00"),
    "discharge": discharge("10:00"),
}

REFUSED: dict[str, type[Refusal]] = {
    "outside": OutsideStay,
    "not open": StayNotOpen,
    "broken": StayStateBroken,
}

# What stands after the command; or why it is refused.
TABLE = """
                | nothing    | no bed        | in A          | A kept        | released      | gone
admit           | ADMITTED - | broken        | broken        | broken        | broken        | not open
allocate A      | outside    | ADMITTED A    | broken        | broken        | broken        | not open
allocate B      | outside    | ADMITTED B    | broken        | broken        | broken        | not open
transfer to A   | outside    | ADMITTED A    | broken        | broken        | broken        | not open
transfer to B   | outside    | ADMITTED B    | ADMITTED B    | broken        | broken        | not open
to the hall     | outside    | ADMITTED hall | ADMITTED hall | broken        | broken        | not open
swap into B     | outside    | ADMITTED B    | ADMITTED B    | broken        | broken        | not open
leave, keep bed | outside    | broken        | ON_LEAVE A    | broken        | broken        | not open
leave, release  | outside    | ON_LEAVE -    | ON_LEAVE -    | broken        | broken        | not open
return          | outside    | broken        | broken        | ADMITTED A    | broken        | not open
return to B     | outside    | broken        | broken        | ADMITTED B    | ADMITTED B    | not open
return to hall  | outside    | broken        | broken        | ADMITTED hall | ADMITTED hall | not open
attending       | outside    | ADMITTED -    | ADMITTED A    | ON_LEAVE A    | ON_LEAVE -    | not open
specialty       | outside    | ADMITTED -    | ADMITTED A    | ON_LEAVE A    | ON_LEAVE -    | not open
visit           | outside    | ADMITTED -    | ADMITTED A    | ON_LEAVE A    | ON_LEAVE -    | outside
plan discharge  | outside    | ADMITTED -    | ADMITTED A    | ON_LEAVE A    | ON_LEAVE -    | not open
discharge       | outside    | DISCHARGED -  | DISCHARGED -  | DISCHARGED -  | DISCHARGED -  | not open
"""


def cells() -> list[tuple[str, str, str]]:
    head, *rows = [[c.strip() for c in row.split("|")] for row in TABLE.strip("\n").split("\n")]
    return [(row[0], state, row[n]) for row in rows for n, state in enumerate(head) if n]


def test_the_table_has_every_command_and_every_state() -> None:
    assert {command for command, _, _ in cells()} == set(COMMANDS)
    assert {state for _, state, _ in cells()} == set(BEFORE)


@pytest.mark.parametrize(("command", "before", "after"), cells())
def test_only_the_transitions_of_the_state_machine(command: str, before: str, after: str) -> None:
    outcome = given(a_stay(), *BEFORE[before]).when(COMMANDS[command])
    if after in REFUSED:
        outcome.then_refused(REFUSED[after])
    else:
        assert outcome.refusal is None
        assert len(outcome.events) == 1
        assert stands(outcome.aggregate, "10:00") == after
        assert outcome.aggregate.history.problems == ()


def test_a_stay_that_is_not_admitted_does_not_exist() -> None:
    stay = a_stay()
    assert (stay.exists, stay.is_open, stay.history.period) == (False, False, None)
    assert (stay.stretches, is_at(stay, "08:00")) == ((), None)


def test_an_admission_says_whose_stay_it_is_and_who_attends() -> None:
    stay = (
        given(a_stay())
        .when(admit("08:00", attending=DR_MEYER, specialty="cardiology", without_bed="trolley 3"))
        .then(Stay.Admitted)
    )
    state = is_at(stay, "08:00")
    assert state
    assert (stay.patient, stay.admission_type) == (PATIENT, AdmissionType.ELECTIVE)
    assert (state.attending, state.specialty) == (DR_MEYER, "cardiology")
    assert (stands(stay, "08:00"), stay.is_open) == ("ADMITTED trolley 3", True)


def test_admitting_with_a_bed_at_once_shows_no_moment_without_it() -> None:
    stay = given(a_stay(), admitted("08:00"), allocated(A, "08:00")).aggregate
    assert states(stay) == ["08:00- ADMITTED A"]


def test_a_refusal_says_which_stay_ended_and_when() -> None:
    given(a_stay(), admitted("08:00"), discharged("09:00")).when(
        allocate_room(A, "10:00")
    ).then_refused(StayNotOpen, stay=STAY, ended_at=at("09:00"))


def test_a_second_discharge_is_refused() -> None:
    given(a_stay(), *BEFORE["gone"]).when(discharge("09:00")).then_refused(StayNotOpen)


def test_attending_and_specialty_hold_from_their_change_on() -> None:
    stay = (
        given(a_stay(), admitted("08:00", attending=DR_MEYER, specialty="cardiology"))
        .when(change_attending("10:00", DR_OKAFOR))
        .then(Stay.AttendingChanged)
    )
    change_specialty("11:00", "surgery")(stay)
    result = [
        (s.attending, s.specialty) if (s := is_at(stay, moment)) else None
        for moment in ("09:59", "10:00", "11:00")
    ]
    assert result == [
        (DR_MEYER, "cardiology"),
        (DR_OKAFOR, "cardiology"),
        (DR_OKAFOR, "surgery"),
    ]


# -- discharge --


def test_planning_a_discharge_frees_nothing() -> None:  # mistake 16
    planned_for = plan_discharge("10:00", DischargePlan.PLANNED, expected="Tue 09:00")
    stay = given(a_stay(), *BEFORE["in A"]).when(planned_for).then(Stay.DischargePlanned)
    state = is_at(stay, "10:00")
    assert state
    assert (state.plan, state.expected_discharge) == (DischargePlan.PLANNED, at("Tue 09:00"))
    assert lay(stay) == ["A 08:30-"]


def test_a_plan_may_be_cleared_or_dropped_again() -> None:
    stay = given(
        a_stay(), *BEFORE["in A"], planned(DischargePlan.PLANNED, "10:00", "12:00")
    ).aggregate
    plan_discharge("11:00", DischargePlan.CLEARED, expected="12:00")(stay)
    plan_discharge("11:30", DischargePlan.NONE)(stay)
    plans = [
        s.plan if (s := is_at(stay, m)) else None for m in ("09:00", "10:00", "11:00", "11:30")
    ]
    assert plans == [
        DischargePlan.NONE,
        DischargePlan.PLANNED,
        DischargePlan.CLEARED,
        DischargePlan.NONE,
    ]
    assert lay(stay) == ["A 08:30-"]


def test_a_discharge_releases_the_bed_and_ends_the_plan_in_the_same_act() -> None:
    stay = (
        given(a_stay(), *BEFORE["in A"], planned(DischargePlan.CLEARED, "09:00", "12:00"))
        .when(discharge("10:00", Disposition.TRANSFERRED))
        .then(Stay.Discharged)
    )
    state = is_at(stay, "10:00")
    assert state
    assert (state.status, state.plan) == (Status.DISCHARGED, DischargePlan.NONE)
    assert (state.expected_discharge, state.disposition) == (None, Disposition.TRANSFERRED)
    assert lay(stay) == ["A 08:30-10:00"]
    assert not stay.is_open


@pytest.mark.parametrize("keeps_bed", [True, False])
def test_the_patient_who_does_not_come_back_is_discharged_on_leave(keeps_bed: bool) -> None:
    stay = (
        given(a_stay(), *BEFORE["in A"], left("09:00", keeps_bed=keeps_bed))
        .when(discharge("11:00", Disposition.AGAINST_ADVICE))
        .then(Stay.Discharged)
    )
    assert lay(stay) == ["A 08:30-09:00", "A 09:00-11:00 kept"][: 1 + keeps_bed]
    state = is_at(stay, "11:00")
    assert state
    assert (state.status, state.bed_kept, state.place) == (Status.DISCHARGED, False, Place())


def test_a_discharge_before_the_admission_is_refused() -> None:
    given(a_stay(), admitted("08:00")).when(discharge("07:59")).then_refused(OutsideStay)


def test_a_discharge_at_the_moment_of_the_admission_is_a_stay_without_length() -> None:
    stay = given(a_stay(), *BEFORE["no bed"]).when(discharge("08:00")).then(Stay.Discharged)
    assert stay.history.period is not None
    assert stay.history.period.is_empty
    assert stay.stretches == ()


# -- death --


@pytest.mark.parametrize(
    "act",
    [
        record_visit("10:00", died="09:30"),
        start_leave("10:00", died="09:30"),
        start_leave("10:00", keeps_bed=False, died="09:30"),
    ],
)
def test_nothing_clinical_occurs_after_the_death(act: Act[Stay]) -> None:
    given(a_stay(), *BEFORE["in A"]).when(act).then_refused(PatientDied, died_at=at("09:30"))


def test_nobody_is_admitted_after_the_death() -> None:  # mistake 12
    given(a_stay()).when(admit("10:00", died="09:30")).then_refused(PatientDied)


def test_nobody_returns_from_leave_after_the_death() -> None:
    act = end_leave("10:00", died="09:30")
    given(a_stay(), *BEFORE["A kept"]).when(act).then_refused(PatientDied)


@pytest.mark.parametrize(
    "act",
    [record_visit("09:30", died="09:30"), start_leave("09:00", died="09:30")],
)
def test_what_occurred_up_to_the_death_is_recorded_after_it_too(act: Act[Stay]) -> None:
    assert given(a_stay(), *BEFORE["in A"]).when(act).refusal is None


@pytest.mark.parametrize(
    ("act", "stretches"),
    [
        (transfer("mortuary", "10:00"), ["A 08:30-10:00"]),
        (discharge("10:00", Disposition.DIED), ["A 08:30-10:00"]),
    ],
)
def test_the_dead_may_still_be_moved_and_discharged(act: Act[Stay], stretches: list[str]) -> None:
    outcome = given(a_stay(), *BEFORE["in A"]).when(act)
    assert outcome.refusal is None
    outcome.aggregate.must_outlive(at("09:30"))
    assert lay(outcome.aggregate) == stretches
