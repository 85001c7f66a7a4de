"""A busy little hospital: a life of all kinds of commands, drawn by lot, the same for the same lot.

It lives in a simulated log, so every time in it is the same in every run. Much of what it tries is
refused; it counts what was accepted and what was not.
"""

from collections import Counter
from collections.abc import Callable
from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from application.command import Recorded, Request
from application.hospital import Hospital
from application.sharers import Sharer
from domain.envelope import Actor
from domain.patient import Sex
from domain.practitioner import Grade
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Basis, Outside
from domain.prescription.events import Medication
from domain.refusals import Refusal
from domain.room.aggregate import Room
from domain.room.policies import RoomPolicy
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import DischargePlan, Disposition
from domain.time import Precision
from tests.support import random_privacy
from tests.support.hospital_dsl import ADA, place
from tests.support.random_corrections import WEIGHTS, Mending
from tests.support.random_privacy import Erasing
from tests.support.random_rooms import Furnishing

BEGINS = datetime(2026, 3, 2, 6, tzinfo=UTC)
ROOMS = {"A/1": "ab", "A/2": "abc", "A/3": "a", "B/1": "ab", "B/2": "abcd", "B/3": "ab"}
BEDS = [f"{room}/{bed}" for room, beds in ROOMS.items() for bed in beds]
DRUGS = ("Paracetamol", "Amoxicillin", "Heparin", "Morphine")

CHANGES = (
    Prescription.Changed,
    Prescription.Held,
    Prescription.Resumed,
    Prescription.Stopped,
    Prescription.Completed,
)


class Busy(Mending, Erasing, Furnishing):
    """Live it with `live`; afterwards ask `accepted` and `refused`. ``after`` each command done.

    ``lot`` decides ids too, and who breaks the glass: each test needs a seed of its own, since the tests
    of a run share a key store, in which the keys of what was erased are destroyed for ever.
    """

    def __init__(
        self, hospital: Hospital, lot: Random, after: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__()
        self._hospital, self._lot, self._after = hospital, lot, after
        reader = f"reader {copy(lot).getrandbits(64)}"
        self._reader = Actor(issuer=ADA.issuer, subject=reader, role=ADA.role)
        self.now = BEGINS
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._mrns: list[str] = []
        self._stays: list[UUID] = []
        self._away: list[UUID] = []
        self._bedless: list[UUID] = []
        self._closed: list[dict[str, Any]] = []
        self._dirty: list[dict[str, Any]] = []
        self._babies: dict[UUID, UUID] = {}
        self._drugs: list[UUID] = []
        self._held: list[UUID] = []
        self._changes: list[UUID] = []
        self._reserved: list[tuple[str, UUID]] = []
        self._given: list[UUID] = []
        self._opened = self._registered = 0
        self._acts = [
            (act, weight) for act, weight in _WEIGHTS.items() for act in [getattr(self, f"_{act}")]
        ]
        for room, beds in ROOMS.items():
            ward, number = room.split("/")
            self._give("open_room", ward=ward, room=number, beds=tuple(beds))
        for number in ("D1", "D2", "D3"):
            grade = self._lot.choice(list(Grade))
            self._give("register_practitioner", staff_number=number, grade=grade)
        for _ in range(6):
            self._register_patient()

    def live(self, steps: int) -> None:
        """So many attempts at something."""
        acts, weights = zip(*self._acts, strict=True)
        for act in self._lot.choices(acts, weights, k=steps):
            act()
        self._break_glass()

    def attempt(self, *commands: str) -> None:
        """Try these, of something or somebody chosen by lot."""
        for command in commands:
            getattr(self, f"_{command}")()

    def _give(
        self,
        command: str,
        because_why: str | None = None,
        at: datetime | None = None,
        by: Actor = ADA,
        **content: Any,
    ) -> Recorded | None:
        """Give a command, now or late; or of a moment."""
        self.now += timedelta(minutes=self._lot.randint(1, 90))
        late = self._lot.random() < 0.3 and self.now > BEGINS + timedelta(days=2)
        if at is None and late:
            at = self.now - timedelta(minutes=self._lot.choice([20, 90, 400, 36 * 60]))
            if self._lot.random() < 0.5:  # times that are known by the hour only often coincide
                at = at.replace(minute=0)
        request = Request(
            command_id=UUID(int=self._lot.getrandbits(128), version=4),
            by=by,
            now=self.now,
            occurred_at=at,
            precision=self._lot.choice([None, Precision.HOUR]),
            performed_by=self._lot.choice([None, "Dr. Okafor"]),
            reason=because_why
            if because_why
            else "noted afterwards"
            if at
            else self._lot.choice([None, "as agreed"]),
        )
        try:
            result: Recorded = self._hospital.command(command)(request, **content)
        except Refusal as refusal:
            self.refused[f"{command}: {refusal.code}"] += 1
            return None
        self.accepted[command] += 1
        self._remember(result)
        self._changes += [e.change for e in result.events if isinstance(e, CHANGES)]
        if command in ("open_room", "set_hospital_time"):  # of no concern to the practitioners
            self._given.append(result.command_id)
        self._after()
        return result

    def _one(self, of: list[Any]) -> Any:
        """One of them, rather a recent one."""
        if not of:
            return UUID(int=0)
        return self._lot.choice(of[-8:] if self._lot.random() < 0.8 else of)

    def _stay(self) -> UUID:
        result: UUID = self._one(self._stays)
        return result

    def _bed(self) -> dict[str, Any]:
        return place(self._lot.choice(BEDS))

    def _soon(self) -> datetime:
        return self.now + timedelta(hours=self._lot.randint(3, 72))

    # -- people --

    def _register_patient(self, newborn: bool = False) -> None:
        mrn = f"M{self._registered + 1}"
        known = self._lot.random() < 0.8
        answer = self._give(
            "register_patient",
            mrn=mrn,
            family_name=f"Family {mrn}" if known else None,
            birth_date=self.now.date()
            if newborn
            else date(self._lot.randint(1930, 2025), 2, 28)
            if known
            else None,
            sex=self._lot.choice(list(Sex)),
        )
        if answer:
            self._registered += 1
            self._mrns.append(mrn)

    def _record_death(self) -> None:
        if self._lot.random() < 0.5:
            self._give("record_death", patient_mrn=self._one(self._mrns))
        else:
            self._give("record_death", stay_id=self._stay())

    def _dead(self) -> str:
        """Register somebody who has died."""
        self._register_patient()
        self._give("record_death", patient_mrn=self._mrns[-1])
        return self._mrns[-1]

    def _correct_death(self) -> None:
        self._mend("correct_death", patient_mrn=self._dead())

    def _cancel_death(self) -> None:
        self._give("cancel_death", "of somebody else", patient_mrn=self._dead())

    def _set_hospital_time(self) -> None:
        zone = self._lot.choice(["Europe/Berlin", "UTC", "Asia/Kolkata"])
        self._give("set_hospital_time", time_zone=zone, census_time=time(23, 59))

    # -- stays --

    def _admit_expected(self) -> None:
        self._register_patient()
        self._admit_patient(patient_mrn=self._mrns[-1], **self._plan_admission())

    def _admit_patient(self, **content: Any) -> None:
        place: dict[str, Any] = self._bed()
        if self._lot.random() < 0.2:
            place = {"without_bed": "corridor"}
        answer = self._give(
            "admit_patient",
            admission_type=self._lot.choice(list(AdmissionType)),
            attending=self._lot.choice([None, "D1", "D2"]),
            specialty=self._lot.choice([None, "surgery"]),
            **place,
            **(content or {"patient_mrn": self._one(self._mrns)}),
        )
        if answer:
            self._stays += answer.ids("stay")
            self._bedless += [] if "bed" in place else answer.ids("stay")

    def _bear(self) -> None:
        """A newborn in its mother's bed, wherever that is."""
        mother = self._stay()
        state = self._state(mother)
        if state is None or state.place.bed is None:
            return
        self._register_patient(newborn=True)
        place = self._where(state.place.bed)
        answer = self._give(
            "admit_patient",
            patient_mrn=self._mrns[-1],
            admission_type=AdmissionType.NEWBORN,
            shares_bed_of=mother,
            **place,
        )
        if answer:
            (baby,) = answer.ids("stay")
            self._stays.append(baby)
            self._babies[baby] = mother

    def _record_emergency_care(self) -> None:
        """Admit somebody who had come to the emergency department."""
        self._register_patient()
        answer = self._give(
            "admit_patient",
            patient_mrn=self._mrns[-1],
            admission_type=AdmissionType.EMERGENCY,
            without_bed="corridor",
        )
        if answer:
            self._stays += answer.ids("stay")
            came = answer.entry.occurred_at - timedelta(minutes=self._lot.randint(1, 300))
            left = self._lot.choice([None, answer.entry.occurred_at])
            stay = self._stays[-1]
            self._give("record_emergency_care", at=came, stay_id=stay, departed_at=left)

    def _allocate_room(self) -> None:
        self._give("allocate_room", stay_id=self._one(self._bedless), **self._bed())

    def _transfer_patient(self) -> None:
        stay = self._stay()
        place: dict[str, Any] = self._bed()
        babies = [baby for baby, mother in self._babies.items() if mother == stay]
        if babies and self._lot.random() < 0.7:
            place["sharers"] = [Sharer(stay_id=baby, shares_bed=True) for baby in babies]
        elif self._lot.random() < 0.1:
            place = {"without_bed": "trolley"}
        self._give("transfer_patient", stay_id=stay, **place)

    def _swap_beds(self) -> None:
        self._give("swap_beds", stay_id=self._stay(), with_stay_id=self._stay())

    def _start_leave(self) -> None:
        back = self._lot.choice([None, self._soon()])
        keep, stay = self._lot.random() < 0.6, self._stay()
        if self._give("start_leave", stay_id=stay, keep_bed=keep, expected_return=back):
            self._away.append(stay)

    def _end_leave(self) -> None:
        place = self._bed() if self._lot.random() < 0.4 else {}
        stay = self._one(self._away)
        if self._give("end_leave", stay_id=stay, **place):
            self._away.remove(stay)

    def _change_attending(self) -> None:
        attending = self._lot.choice(["D1", "D2", "D3"])
        self._give("change_attending", stay_id=self._stay(), attending=attending)

    def _change_specialty(self) -> None:
        self._give("change_specialty", stay_id=self._stay(), specialty="medicine")

    def _change_admission_type(self) -> None:
        type = self._lot.choice([AdmissionType.DAY_CASE, AdmissionType.EMERGENCY])
        self._give("change_admission_type", stay_id=self._stay(), admission_type=type)

    def _record_visit(self) -> None:
        kind = self._lot.choice(list(VisitKind))
        note = self._lot.choice([None, "doing well"])
        stay = self._stay()
        self._give("record_visit", stay_id=stay, practitioner="D1", kind=kind, note=note)

    def _plan_discharge(self) -> None:
        plan = self._lot.choice(list(DischargePlan))
        self._give("plan_discharge", stay_id=self._stay(), plan=plan, expected_at=self._soon())

    def _discharge_patient(self) -> None:
        stay, how = self._stay(), self._lot.choice(list(Disposition))
        gone = self._give("discharge_patient", stay_id=stay, disposition=how)
        if gone and self._lot.random() < 0.8:  # the others are asked about afterwards, in vain
            self._stays.remove(stay)

    # -- prescriptions --

    def _write_prescription(self) -> None:
        answer = self._give(
            "write_prescription",
            stay_id=self._stay(),
            medication=Medication(name=self._lot.choice(DRUGS)),
            dose=self._lot.choice([None, "1 g"]),
            stop=self._lot.choice([None, self._soon()]),
            prescriber=self._lot.choice([None, "D3"]),
        )
        self._drugs += answer.ids("prescription") if answer else []

    def _change_prescription(self) -> None:
        """Change a dose, and in every other minute when the prescription is to stop."""
        drug, later = self._one(self._drugs), timedelta(hours=30)
        stop = self.now + later if self.now.minute % 2 else None
        self._give("change_prescription", prescription_id=drug, dose="2 g", stop=stop)

    def _hold_prescription(self) -> None:
        drug = self._one(self._drugs)
        if self._give("hold_prescription", prescription_id=drug):
            self._held.append(drug)

    def _resume_prescription(self) -> None:
        """Resume one, after it was held, as often as not at once."""
        drug = self._one(self._held)
        if self._lot.random() < 0.5:
            self._write_prescription()
            drug = self._one(self._drugs[-1:])
            self._give("hold_prescription", prescription_id=drug)
        self._give("resume_prescription", prescription_id=drug)

    def _correct_prescription_change(self) -> None:
        self._give(
            "correct_prescription_change",
            "read wrongly",
            change_id=self._one(self._changes),
            dose=self._lot.choice([None, "3 g"]),
        )

    def _cancel_prescription_change(self) -> None:
        change = self._one(self._changes)
        self._give("cancel_prescription_change", "wrong patient", change_id=change)

    def _stop_prescription(self) -> None:
        self._end_prescription("stop_prescription")

    def _complete_prescription(self) -> None:
        self._end_prescription("complete_prescription")

    def _end_prescription(self, command: str) -> None:
        drug = self._one(self._drugs)
        if self._give(command, prescription_id=drug) and self._lot.random() < 0.8:
            self._drugs.remove(drug)

    def _record_administration(self) -> None:
        given = self._lot.random() < 0.8
        self._give(
            "record_administration",
            prescription_id=self._one(self._drugs),
            given=given,
            dose_given="1 g" if given else None,
            reason_not_given=None if given else "asleep",
            outside_prescription=self._lot.choice([None, None, Outside.LATE]),
        )

    def _record_unprescribed_dose(self, infusion: bool | None = None) -> None:
        infusion = self._lot.random() < 0.3 if infusion is None else infusion
        answer = self._give(
            "record_unprescribed_dose",
            stay_id=self._stay(),
            medication=Medication(name="adrenaline", code="C01CA24", system="ATC"),
            basis=self._lot.choice(list(Basis)),
            dose_given="1 mg",
            ordered_by="D1",
            infusion=infusion,
        )
        if answer and infusion:
            self._infusions.append(answer.events[0].administration)  # type: ignore[attr-defined]

    def _end_infusion(self) -> None:
        self._give("end_infusion", administration_id=self._one(self._infusions))

    # -- rooms --

    def _add_bed(self) -> None:
        self._opened += 1
        self._give("add_bed", ward="B", room="2", bed=f"x{self._opened}")

    def _set_room_policy(self) -> None:
        ward, room = self._lot.choice(["A/1", "A/2", "B/2"]).split("/")
        policy = self._lot.choice(list(RoomPolicy))
        applies = self._lot.random() < 0.3
        self._give("set_room_policy", ward=ward, room=room, policy=policy, applies=applies)

    def _close_bed(self) -> None:
        since = self._lot.choice([None, None, self._soon()])
        until = self._soon() + timedelta(hours=72) if self._lot.random() < 0.8 else None
        bed = self._bed()
        if self._give("close_bed", since=since, until=until, **bed):
            self._closed.append(bed)

    def _reopen_bed(self) -> None:
        if self._closed:
            self._give("reopen_bed", **self._one(self._closed))

    def _start_cleaning(self) -> None:
        bed = self._bed()
        if self._give("start_cleaning", **bed):
            self._dirty.append(bed)

    def _finish_cleaning(self) -> None:
        if self._dirty:
            self._give("finish_cleaning", **self._one(self._dirty))

    def _reserve_bed(self) -> None:
        bed = self._lot.choice(BEDS)
        since = self._soon()
        until = since + timedelta(hours=24)
        who: dict[str, Any] = (
            {"stay_id": self._stay()}
            if self._lot.random() < 0.5
            else {"patient_mrn": self._one(self._mrns)}
        )
        answer = self._give("reserve_bed", since=since, until=until, **place(bed), **who)
        if answer:
            self._reserved.append((bed, answer.entry.id_of("reservation")))

    def _release_reservation(self) -> None:
        if self._reserved:
            bed, id = self._one(self._reserved)
            ward, room, _ = bed.split("/")
            self._give("release_reservation", ward=ward, room=room, reservation_id=id)

    # -- read models --

    def _skip_command(self) -> None:
        self._give("skip_command", name="practitioners", skipped=self._one(self._given))

    def _retry_parked(self) -> None:
        self._give("retry_parked", name=self._lot.choice(["stays", "timeline", "occupancy"]))

    # -- what is true by now --

    def _state(self, stay: UUID) -> Any:
        result = Stay.empty(stay)
        for event in self._hospital.record.streams({stay: 0}).get(stay, ()):
            event.mutate(result)
        return result.history.at(self.now)

    def _where(self, bed: Any) -> dict[str, Any]:
        room = Room.empty(bed.room)
        for event in self._hospital.record.streams({bed.room: 0})[bed.room]:
            event.mutate(room)
        return {"ward": room.ward, "room": room.number, "bed": bed.bed}


_WEIGHTS = {
    **WEIGHTS,
    **random_privacy.WEIGHTS,
    "register_patient": 6,
    "record_death": 0.7,
    "correct_death": 0.3,
    "cancel_death": 0.5,
    "set_hospital_time": 0.7,
    "admit_patient": 14,
    "bear": 4,
    "allocate_room": 5,
    "transfer_patient": 14,
    "swap_beds": 8,
    "start_leave": 4,
    "end_leave": 5,
    "change_attending": 2,
    "change_specialty": 2,
    "change_admission_type": 1,
    "record_visit": 4,
    "plan_discharge": 2,
    "discharge_patient": 4,
    "plan_admission": 1.5,
    "admit_expected": 1,
    "request_bed": 1.5,
    "correct_expected_arrival": 1,
    "cancel_expected_arrival": 1,
    "write_prescription": 6,
    "change_prescription": 2,
    "hold_prescription": 4,
    "resume_prescription": 4,
    "stop_prescription": 2,
    "complete_prescription": 2,
    "record_administration": 6,
    "record_emergency_care": 2,
    "record_unprescribed_dose": 2,
    "end_infusion": 1,
    "add_bed": 0.7,
    "set_room_policy": 1.5,
    "close_bed": 2,
    "reopen_bed": 4,
    "start_cleaning": 2,
    "finish_cleaning": 4,
    "reserve_bed": 2,
    "release_reservation": 2,
    "skip_command": 2,
    "retry_parked": 2,
}
