"""The import: people and places, then all acts of all stays in the order in which they occurred."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from api.imports.account import Account, Ledger, Progress, TableAccount
from api.imports.fhir.flags import record_flag
from api.imports.fhir.medicines import Medicines
from api.imports.fhir.people import People
from api.imports.fhir.places import Bed, beds_of, judge_places, open_rooms
from api.imports.fhir.resources import Files, Resource, When
from api.imports.fhir.rules import ODD_FORMS, Rule, odd_form, readable
from api.imports.fhir.sending import Sender
from api.imports.fhir.stays import Stay, is_stay, stay_of
from application.command import Recorded
from application.hospital import Hospital
from domain.refusals import Refusal
from domain.stay.facts import CancellationReason, Disposition

Act = Callable[[], None]

LEAVES, ENTERS, CARES = range(3)
"""Ranks of what is done at one moment: a bed is left before it is taken."""


def import_fhir(
    hospital: Hospital,
    path: Path,
    account: Path,
    progress: Progress = lambda done, total: None,
    system: str = "fhir",
) -> Account:
    """Record the resources of a file or a folder, and write to ``account`` what became of each.

    ``system``: the name of where they come from. Doing it again records nothing twice: every command's
    id and content follow from the files alone. Raises BadFile if there is nothing to read.
    """
    files = Files(hospital.zone())
    files.read(path)
    rows = [*files.resources.values(), *(r for r, _ in files.repeated), *files.unreadable]
    tables: dict[str, TableAccount] = {}
    for row in rows:
        tables.setdefault(row.table, TableAccount(0)).rows += 1
    with Ledger(account, Account(dict(sorted(tables.items()))), progress) as ledger:
        _Import(files, Sender(hospital, system, ledger), ledger).run()
        return ledger.account


@dataclass(slots=True)
class _Import:
    """Import of some files."""

    files: Files
    sender: Sender
    ledger: Ledger
    beds: dict[str, Bed] = field(default_factory=dict)
    stays: dict[str, Stay] = field(default_factory=dict)
    """Stays by the names of their Encounters."""
    _acts: list[tuple[datetime, int, int, Resource, Act]] = field(default_factory=list)

    def run(self) -> None:
        for resource in self.files.unreadable:
            self.ledger.judge_refused(resource, Rule.UNREADABLE, resource.body["why"])
        for resource, earlier in self.files.repeated:
            if resource.body == earlier.body:
                self.ledger.judge_merged(resource, "the same resource", earlier)
            else:
                self.ledger.judge_refused(resource, Rule.REPEATED_ID, parent=earlier)
        self.beds = dict(beds_of(self.files))
        rooms = open_rooms(self.files, self.beds, self.sender)
        people = People(self.files, self.sender, self.ledger)
        people.register()
        self._plan_stays(people)
        care = {s.emergency.name: s for s in self.stays.values() if s.emergency}
        medicines = Medicines(self.files, self.sender, self.ledger, people, self.stays | care)
        for at, medicine, act in medicines.acts():
            self._plan(at, CARES, medicine, act)
        for flag in self.files.of("Flag"):
            with readable(flag, self.ledger):
                self._plan_flag(flag)
        for _, _, _, resource, act in sorted(self._acts, key=lambda planned: planned[:3]):
            with readable(resource, self.ledger):
                act()
        self.sender.flush()
        judge_places(self.files, self.beds, rooms, self.sender, self.ledger)
        people.record_deaths()
        people.merge()
        people.judge()
        for stay in self.stays.values():
            self._judge(stay)
        for resource in self.ledger.without_verdict(self.files.resources.values()):
            self.ledger.judge_refused(resource, Rule.NOT_KEPT)

    def _plan(self, time: When, rank: int, resource: Resource, act: Act) -> None:
        self._acts.append((time.at, rank, len(self._acts), resource, act))

    # -- stays --

    def _plan_stays(self, people: People) -> None:
        emergencies: dict[str, Resource] = {}
        encounters = self.files.of("Encounter")
        for encounter in encounters:
            with readable(encounter, self.ledger):
                self._plan_encounter(encounter, people, emergencies)
        for encounter in self.ledger.without_verdict(encounters):
            if encounter.name in emergencies:
                self.ledger.judge_merged(encounter, "emergency care", emergencies[encounter.name])
            elif encounter.name not in self.stays:
                self.ledger.judge_refused(encounter, Rule.NOT_A_STAY)

    def _plan_encounter(
        self, encounter: Resource, people: People, emergencies: dict[str, Resource]
    ) -> None:
        status = encounter.first("status")
        patient = people.of(encounter, "subject")
        if status in ("entered-in-error", "cancelled"):
            self.ledger.judge_refused(encounter, Rule.ENTERED_IN_ERROR)
        elif not is_stay(encounter):
            return
        elif status not in ("in-progress", "onleave", "finished"):
            self.ledger.judge_refused(encounter, Rule.NOT_A_STAY)
        elif people.may_have(encounter, patient):
            self._plan_stay(encounter, patient, emergencies)

    def _plan_stay(
        self, encounter: Resource, patient: Resource | None, emergencies: dict[str, Resource]
    ) -> None:
        assert patient is not None
        try:
            stay = stay_of(encounter, self.files, self.beds, patient)
        except (ValueError, AttributeError) as error:
            self.ledger.judge_refused(encounter, Rule.UNREADABLE, str(error))
            return
        self.stays[encounter.name] = stay
        if stay.emergency is not None:
            emergencies[stay.emergency.name] = encounter
        self._plan(stay.admitted, ENTERS, encounter, lambda: self._admit(stay))
        for stretch in stay.stretches:
            if stretch.since.at > stay.admitted.at and not stay.is_away(stretch.since):
                part = f":{stretch.since.at.isoformat()}"
                move = self.sender.hospital.stays.transfer_patient
                act = self._act(stay, move, stretch.since, part, goes=True)
                self._plan(stretch.since, ENTERS, encounter, act)
        for since, until in stay.leaves:
            part = f":{since.at.isoformat()}"
            keeps = (place := stay.place_at(since)) is not None and place.bed is not None
            start = self.sender.hospital.stays.start_leave
            act = self._act(stay, start, since, part, keep_bed=keeps)
            self._plan(since, LEAVES, encounter, act)
            if until is not None:
                back = stay.place_at(until)
                is_kept = back is not None and keeps and back == place
                end = self.sender.hospital.stays.end_leave
                act = self._act(stay, end, until, part, goes=not is_kept)
                self._plan(until, ENTERS, encounter, act)
        for since, until in stay.gaps:
            self._plan_gap(stay, since, until)
        if stay.discharged is not None and encounter.first("status") == "finished":
            self._plan(stay.discharged, LEAVES, encounter, lambda: self._discharge(stay))

    def _plan_gap(self, stay: Stay, since: When, until: When) -> None:
        """Plan a discharge and its reversal, by which the patient was away between."""
        stays, part = self.sender.hospital.stays, f":{since.at.isoformat()}"
        is_death = stay.disposition is Disposition.DIED
        disposition = Disposition.OTHER if is_death else stay.disposition
        leave = self._act(stay, stays.discharge_patient, since, part, disposition=disposition)
        self._plan(since, LEAVES, stay.encounter, leave)

        def come_back() -> None:
            place = self._place(stay, until)
            place.pop(
                "shares_bed_of", None
            )  # a reversal names the mother's children, not the mother
            reverse = self.sender.hospital.corrections.cancel_discharge
            because = CancellationReason.DECISION_REVERSED
            self._act(stay, reverse, until, part, because=because, **place)()

        self._plan(until, ENTERS, stay.encounter, come_back)

    def _place(self, stay: Stay, time: When) -> dict[str, Any]:
        stretch = stay.place_at(time)
        if stretch is None or stretch.bed is None:
            return {"without_bed": (stretch and stretch.place) or "not told"}
        mothers = self.files.find(stay.encounter.first("partOf", "reference"))
        mother = self.stays.get(mothers.name) if mothers else None
        content: dict[str, Any] = dict(stretch.bed.named)
        if mother and (hers := mother.place_at(time)) and hers.bed == stretch.bed:
            content["shares_bed_of"] = mother.id
        return content

    def _admit(self, stay: Stay) -> None:
        stays, encounter = self.sender.hospital.stays, stay.encounter
        people = self.files.find(encounter.first("participant", "individual", "reference"))
        answer = self.sender.send(
            encounter,
            stays.admit_patient,
            stay.admitted,
            **People.named(stay.patient),
            admission_type=stay.type,
            attending=People.staff_number(people) if people else None,
            specialty=encounter.text("serviceType"),
            **self._place(stay, stay.admitted),
        )
        if isinstance(answer, Refusal):
            self.ledger.judge_refused(encounter, answer.code, answer.message)
            return
        stay.id = answer.ids("stay")[0]
        stay.commands["admit_patient"] = None
        if stay.arrived is not None and stay.arrived.at < stay.admitted.at:
            departed_at = stay.departed and min(stay.departed.at, stay.admitted.at)
            care = stays.record_emergency_care
            self._act(stay, care, stay.arrived, departed_at=departed_at)()

    def _act(
        self,
        stay: Stay,
        command: Callable[..., Recorded],
        time: When,
        part: str = "",
        goes: bool = False,
        **content: Any,
    ) -> Act:
        """Return an act in a stay, which names where the patient goes, if somewhere.

        What is refused is told in the notes of its Encounter.
        """

        def act() -> None:
            if stay.id is not None:
                try:
                    place = self._place(stay, time) if goes else {}
                    answer = self.sender.send(
                        stay.encounter, command, time, part, stay_id=stay.id, **content, **place
                    )
                except ODD_FORMS as error:
                    stay.notes.append(f"{command.__name__}: {odd_form(error)}")
                    return
                if isinstance(answer, Refusal):
                    stay.notes.append(
                        f"{command.__name__} refused: {answer.code}: {answer.message}"
                    )
                else:
                    stay.commands[command.__name__] = None

        return act

    def _discharge(self, stay: Stay) -> None:
        assert stay.discharged is not None
        death = self.files.moment(stay.patient.first("deceasedDateTime"))
        if death and stay.admitted.at <= death.at < stay.discharged.at:
            self._act(stay, self.sender.hospital.patients.record_death, death)()
        discharge = self.sender.hospital.stays.discharge_patient
        destination = stay.encounter.first("hospitalization", "destination", "display")
        is_death = stay.disposition is Disposition.DIED
        self._act(
            stay,
            discharge,
            stay.discharged,
            disposition=stay.disposition,
            destination=None if is_death else destination,
        )()

    def _judge(self, stay: Stay) -> None:
        if stay.id is not None:
            self.ledger.judge_recorded(
                stay.encounter, ", ".join(stay.commands), "; ".join(stay.notes)
            )

    # -- flags --

    def _plan_flag(self, flag: Resource) -> None:
        encounter = self.files.find(flag.first("encounter", "reference"))
        stay = self.stays.get(encounter.name) if encounter else None
        since = self.files.moment(flag.first("period", "start"))
        if flag.first("status") == "entered-in-error":
            self.ledger.judge_refused(flag, Rule.ENTERED_IN_ERROR)
        elif stay is None:
            self.ledger.judge_refused(flag, Rule.NO_STAY)
        elif since is None:
            self.ledger.judge_refused(flag, Rule.UNREADABLE, "period.start is no moment")
        else:
            until = self.files.moment(flag.first("period", "end"))
            act = record_flag(flag, stay, since, until, self.sender, self.ledger)
            begin = max(since, stay.admitted, key=lambda when: when.at)
            self._plan(begin, CARES, flag, act)
