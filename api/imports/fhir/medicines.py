"""Medicines of the files: requests, and doses given or not."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from api.fhir.medication import BASES
from api.fhir.values import DRUG_SYSTEMS, named_by
from api.imports.account import Ledger
from api.imports.fhir.resources import Files, Resource, When
from api.imports.fhir.rules import Rule, readable
from api.imports.fhir.sending import Sender
from api.imports.fhir.stays import Stay
from application.command import Recorded
from domain.allergies import Substance
from domain.prescription.course import Basis, Outside
from domain.prescription.events import Medication
from domain.prescription.schedule import Schedule
from domain.refusals import PrescriptionStateBroken, Refusal

if TYPE_CHECKING:
    from api.imports.fhir.people import People

Act = Callable[[], None]
Coded = TypeVar("Coded", Medication, Substance)

SYSTEMS = {uri: name for name, uri in reversed(DRUG_SYSTEMS.items())}
BASES_BY_TEXT = {text: Basis(name) for name, text in BASES.items()}


def coded_concept(concept: Any, kind: type[Coded]) -> Coded | None:
    """Return a drug or a substance of a CodeableConcept; None if it says no name."""
    if not isinstance(concept, dict):
        return None
    first: Mapping[str, Any] = next((c for c in concept.get("coding", ()) if c.get("code")), {})
    name = concept.get("text") or first.get("display") or first.get("code")
    system = first.get("system")
    if not all(isinstance(part, str | None) for part in (name, first.get("code"), system)):
        raise TypeError("a coding is not of texts")
    known_system = SYSTEMS.get(system or "") or (named_by(system, "codes") if system else None)
    return kind(name=str(name), code=first.get("code"), system=known_system) if name else None


def schedule_of(dosage: Resource) -> Schedule | None:
    """Return the times when doses are due, where it is one of the ways in which the house says so."""
    repeat = dosage.first("timing", "repeat") or {}
    times, period, unit = repeat.get("timeOfDay"), repeat.get("period"), repeat.get("periodUnit")
    try:
        if dosage.first("asNeededBoolean") is True:
            texts = dosage.all("additionalInstruction", "text")
            apart = next((t.split()[2] for t in texts if t.startswith("At least ")), None)
            most_doses = dosage.first("maxDosePerPeriod", "numerator", "value")
            schedule = Schedule(
                as_needed=True,
                min_interval_minutes=int(apart) if apart else None,
                max_per_day=int(most_doses)
                if most_doses and dosage.first("maxDosePerPeriod", "denominator", "code") == "d"
                else None,
            )
        elif times:
            schedule = Schedule(times_of_day=tuple(time.fromisoformat(t) for t in times))
        elif unit == "h" and str(period).isdecimal() and repeat.get("frequency", 1) == 1:
            schedule = Schedule(every_hours=int(str(period)))
        else:
            return None
        schedule.check()
    except (ValueError, TypeError, Refusal):
        return None
    return schedule


@dataclass(slots=True)
class Medicines:
    """The medicines of some files."""

    files: Files
    sender: Sender
    ledger: Ledger
    people: "People"
    stays: Mapping[str, Stay]
    _prescriptions: dict[str, UUID] = field(default_factory=dict)
    """Prescriptions by the names of their requests."""

    def acts(self) -> Iterator[tuple[When, Resource, Act]]:
        """Yield the commands to record, each with its time; note the rows that cannot be."""
        single = {r.name: r for r in self.files.of("MedicationRequest") if _basis(r)}
        for request in self.files.of("MedicationRequest"):
            if request.name not in single:
                with readable(request, self.ledger):
                    yield from self._request(request)
        for dose in self.files.of("MedicationAdministration"):
            with readable(dose, self.ledger):
                yield from self._dose(dose, single)

    def _stay(self, resource: Resource, path: str) -> Stay | None:
        """Return the stay that a resource is of; judge one that is of none."""
        if resource.first("status") in ("entered-in-error", "cancelled", "unknown", "draft"):
            self.ledger.judge_refused(resource, Rule.ENTERED_IN_ERROR)
            return None
        encounter = self.files.find(resource.first(path, "reference"))
        stay = self.stays.get(encounter.name) if encounter else None
        if stay is None:
            self.ledger.judge_refused(resource, Rule.NO_STAY)
        return stay

    def _drug(self, resource: Resource) -> Medication | None:
        concept = resource.first("medicationCodeableConcept")
        if concept is None:
            reference = resource.first("medicationReference", "reference")
            medication = self.files.find(reference, resource)
            concept = medication.first("code") if medication else None
            if medication and medication.line != resource.line:
                for row in self.ledger.without_verdict([medication]):
                    self.ledger.judge_merged(row, "the medicine", resource)
        return coded_concept(concept, Medication)

    def _request(self, request: Resource) -> Iterator[tuple[When, Resource, Act]]:
        stay = self._stay(request, "encounter")
        if stay is None:
            return
        dosage = Resource("", "", 0, request.first("dosageInstruction") or {})
        bounds = dosage.first("timing", "repeat", "boundsPeriod") or {}
        start, stop = self.files.moment(bounds.get("start")), self.files.moment(bounds.get("end"))
        written_at, drug = (
            self.files.moment(request.first("authoredOn")) or start,
            self._drug(request),
        )
        prescriber = self.files.find(request.first("requester", "reference"))
        if written_at is None or drug is None:
            self.ledger.judge_refused(
                request, Rule.UNREADABLE, "it needs authoredOn and a medicine"
            )
            return
        route = dosage.text("route")
        frequency = dosage.first("timing", "code", "text")

        def act() -> None:
            if stay.id is None:
                self.ledger.judge_refused(request, Rule.REFUSED_WITH, parent=stay.encounter)
                return
            self.sender.queue(
                request,
                self.sender.hospital.prescriptions.write_prescription,
                written_at,
                note_prescription,
                stay_id=stay.id,
                medication=drug,
                dose=_amount(dosage, route, frequency),
                route=route,
                frequency=frequency,
                schedule=schedule_of(dosage),
                start=start and start.at,
                stop=stop and stop.at,
                prescriber=self.people.staff_number(prescriber)
                if prescriber and prescriber.table == "Practitioner"
                else None,
            )

        def note_prescription(answer: Recorded | Refusal) -> None:
            if isinstance(answer, Refusal):
                self.ledger.judge_refused(request, answer.code, answer.message)
                return
            self._prescriptions[request.name] = answer.ids("prescription")[0]
            status = request.first("status")
            note = (
                f"it is {status}, not told since when" if status in ("stopped", "on-hold") else ""
            )
            self.ledger.judge_recorded(request, "write_prescription", note)

        yield max(written_at, stay.admitted, key=lambda when: when.at), request, act

    def _dose(
        self, row: Resource, single: Mapping[str, Resource]
    ) -> Iterator[tuple[When, Resource, Act]]:
        request = self.files.find(row.first("request", "reference"))
        stay = self._stay(row, "context")
        if stay is None:
            return
        period = row.first("effectivePeriod") or {}
        at = self.files.moment(row.first("effectiveDateTime") or period.get("start"))
        end, drug = self.files.moment(period.get("end")), self._drug(row)
        if at is None or drug is None:
            self.ledger.judge_refused(row, Rule.UNREADABLE, "it needs effective[x] and a medicine")
            return
        amount = (
            row.first("dosage", "text") or row.first("note", "text") or _quantity(row, "dosage")
        )
        is_given = row.first("status") != "not-done"
        details: dict[str, Any] = {"infusion": True, "ended_at": end and end.at} if period else {}
        details |= {"dose_given": amount if is_given else None}
        performer = row.first("performer", "actor", "display")
        dose = _Dose(row, stay, at, drug, is_given, performer, details)
        if request is None or request.name in single:
            act = partial(self._record_without_prescription, dose, request)
        else:
            act = partial(self._record_of_request, dose, request)
        yield max(at, stay.admitted, key=lambda when: when.at), row, act

    def _record_of_request(self, dose: "_Dose", request: Resource) -> None:
        """Record a dose of a prescription; judge one whose stay or prescription was refused."""
        if request.name not in self._prescriptions:
            self.sender.flush()
        prescription = self._prescriptions.get(request.name)
        if dose.stay.id is None:
            self.ledger.judge_refused(dose.row, Rule.REFUSED_WITH, parent=dose.stay.encounter)
            return
        if prescription is None:
            self.ledger.judge_refused(dose.row, Rule.REFUSED_WITH, parent=request)
            return
        record = self.sender.hospital.prescriptions.record_administration
        reason = None if dose.is_given else dose.row.text("statusReason") or "not told"
        content = {
            "prescription_id": prescription,
            "given": dose.is_given,
            "reason_not_given": reason,
            **dose.details,
        }

        def judge(answer: Recorded | Refusal) -> None:
            if isinstance(answer, PrescriptionStateBroken):
                late = {**content, "outside_prescription": Outside.LATE}
                answer = self.sender.send(
                    dose.row, record, dose.at, ":outside", performed_by=dose.performer, **late
                )
            self.ledger.judge_answer(dose.row, "record_administration", answer)

        self.sender.queue(dose.row, record, dose.at, judge, performed_by=dose.performer, **content)

    def _record_without_prescription(self, dose: "_Dose", order: Resource | None) -> None:
        """Record a dose that nobody prescribed; ``order``: the request of this one dose."""
        if dose.stay.id is None:
            self.ledger.judge_refused(dose.row, Rule.REFUSED_WITH, parent=dose.stay.encounter)
            return
        if not dose.is_given:
            self.ledger.judge_refused(dose.row, Rule.NO_PRESCRIPTION)
            return
        is_before = dose.at.at < dose.stay.admitted.at
        basis = Basis.EMERGENCY_DEPARTMENT if is_before else Basis.PROTOCOL
        orderer = self.files.find(order.first("requester", "reference")) if order else None

        def judge(answer: Recorded | Refusal) -> None:
            self.ledger.judge_answer(dose.row, "record_unprescribed_dose", answer)
            for row in self.ledger.without_verdict([order] if order else []):
                self.ledger.judge_merged(row, "the order of one dose", dose.row)

        self.sender.queue(
            dose.row,
            self.sender.hospital.prescriptions.record_unprescribed_dose,
            dose.at,
            judge,
            performed_by=dose.performer,
            stay_id=dose.stay.id,
            medication=dose.drug,
            basis=_basis(order) if order else basis,
            route=dose.row.text("dosage", "route"),
            ordered_by=self.people.staff_number(orderer) if orderer else None,
            **dose.details,
        )


@dataclass(frozen=True, slots=True)
class _Dose:
    """A dose as its resource tells it."""

    row: Resource
    stay: Stay
    at: When
    drug: Medication
    is_given: bool
    performer: str | None
    details: Mapping[str, Any]


def _basis(request: Resource) -> Basis | None:
    """Return on what a dose was given that was not prescribed, as our own door tells it."""
    texts = request.all("note", "text")
    return next((BASES_BY_TEXT[str(text)] for text in texts if str(text) in BASES_BY_TEXT), None)


def _quantity(resource: Resource, *path: str) -> str | None:
    dose = (
        resource.first(*path, "dose") or resource.first(*path, "doseAndRate", "doseQuantity") or {}
    )
    value, unit = dose.get("value"), dose.get("unit") or dose.get("code")
    return None if value is None else f"{value:g} {unit}".removesuffix(" None")


def _amount(dosage: Resource, route: str | None, frequency: str | None) -> str | None:
    """Return the dose: the text of a dosage before its route and frequency."""
    text, rest = dosage.first("text"), " ".join(part for part in (route, frequency) if part)
    if rest and text and text.endswith(rest):
        return str(text).removesuffix(rest).strip() or None
    quantity = _quantity(dosage)
    return quantity or (str(text) if text else None)
