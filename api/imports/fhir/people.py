"""People of the files: patients with their allergies and deaths, and practitioners."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from api.fhir.parameters import at
from api.fhir.patient import GENDERS
from api.fhir.practitioner import STAFF
from api.fhir.values import LABELS, named_by
from api.imports.account import Ledger
from api.imports.fhir.medicines import coded_concept
from api.imports.fhir.resources import Files, Resource, When
from api.imports.fhir.rules import Rule, readable
from api.imports.fhir.sending import ALWAYS, Sender
from application.command import Recorded
from domain.allergies import AllergyKind, AllergySeverity, AllergyVerification, Substance
from domain.patient import Confidentiality, Sex
from domain.practitioner import Grade
from domain.refusals import PatientDied, Refusal

NONE_KNOWN = {"716186003", "409137002", "428607008", "716184000", "429625007"}
"""SNOMED CT codes that say that no allergy is known."""

LONGEST = 40
"""Characters of the name of an authority of MRNs."""

SEXES = {code: Sex(name) for name, code in GENDERS.items()}
CONFIDENTIAL = {code: Confidentiality(name) for name, code in LABELS.items()}


def identifier(resource: Resource, type: str) -> Mapping[str, Any]:
    """Return the identifier of a type; else the usual one, or the first."""
    identifiers = [i for i in resource.all("identifier") if isinstance(i, dict) and i.get("value")]
    if not all(isinstance(i["value"], str) for i in identifiers):
        raise TypeError("an identifier is no text")

    def order(item: Mapping[str, Any]) -> tuple[bool, bool]:
        codings = item.get("type", {}).get("coding", ())
        return all(c.get("code") != type for c in codings), item.get("use") != "usual"

    return min(identifiers, key=order, default={"value": resource.key})


@dataclass(slots=True)
class People:
    """The people of some files."""

    files: Files
    sender: Sender
    ledger: Ledger
    _known: set[str] = field(default_factory=set)
    """Names of the patients who are registered."""
    _answers: dict[str, tuple[Recorded | Refusal, list[str]]] = field(default_factory=dict)
    """Answers to the registrations, by the names of patients, with notes."""

    @staticmethod
    def named(patient: Resource) -> dict[str, Any]:
        """Return a patient as commands name one."""
        mrn = identifier(patient, "MR")
        system = mrn.get("system")
        return {
            "patient_mrn": str(mrn["value"]),
            "mrn_authority": _authority(named_by(system, "mrn")) if system else None,
        }

    @staticmethod
    def staff_number(practitioner: Resource) -> str | None:
        staff_identifiers = [i for i in practitioner.all("identifier") if i.get("system") == STAFF]
        return str((staff_identifiers or [identifier(practitioner, "EI")])[0]["value"])

    def of(self, resource: Resource, *path: str) -> Resource | None:
        """Return the patient that a resource refers to; None if it is not in the files."""
        patient = self.files.find(resource.first(*path, "reference"), resource)
        return patient if patient and patient.table == "Patient" else None

    def may_have(self, resource: Resource, patient: Resource | None) -> bool:
        """Return whether something may be recorded of a patient; judge what may not."""
        if patient is None:
            self.ledger.judge_refused(resource, Rule.NO_PATIENT)
        elif patient.name not in self._known:
            self.ledger.judge_refused(resource, Rule.REFUSED_WITH, parent=patient)
        else:
            return True
        return False

    def register(self) -> None:
        for practitioner in self.files.of("Practitioner"):
            with readable(practitioner, self.ledger):
                self._register_practitioner(practitioner)
        for patient in self.files.of("Patient"):
            with readable(patient, self.ledger):
                self._register_patient(patient)
        for allergy in self.files.of("AllergyIntolerance"):
            with readable(allergy, self.ledger):
                self._record_allergy(allergy)

    def _register_practitioner(self, practitioner: Resource) -> None:
        texts = [
            str(code["text"])
            for code in practitioner.all("qualification", "code")
            if "coding" not in code and code.get("text")
        ]
        grade = next((g for text in texts for g in Grade if g.value == text.upper()), None)
        specialty = next((t for t in texts if grade is None or t.upper() != grade.value), None)
        answer = self.sender.send(
            practitioner,
            self.sender.hospital.practitioners.register_practitioner,
            ALWAYS,
            staff_number=self.staff_number(practitioner),
            family_name=practitioner.first("name", "family"),
            given_name=" ".join(map(str, practitioner.all("name", "given")[:3])) or None,
            grade=grade,
            specialty=specialty,
        )
        self.ledger.judge_answer(practitioner, "register_practitioner", answer)

    def _register_patient(self, patient: Resource) -> None:
        names = patient.all("name")
        name = next((n for n in names if n.get("use") == "official"), names[0] if names else {})
        labels = patient.all("meta", "security", "code")
        born, note = _day(patient.first("birthDate")), ""
        if born is None and patient.first("birthDate"):
            note = "birthDate is no day"
        names_given = self.named(patient)
        answer = self.sender.send(
            patient,
            self.sender.hospital.patients.register_patient,
            None,
            mrn=names_given["patient_mrn"],
            mrn_authority=names_given["mrn_authority"],
            family_name=name.get("family") or name.get("text"),
            given_name=" ".join(map(str, name.get("given") or ())) or None,
            birth_date=born,
            sex=SEXES.get(patient.first("gender")),
            confidentiality=next((CONFIDENTIAL[c] for c in labels if c in CONFIDENTIAL), None),
        )
        if not isinstance(answer, Refusal):
            self._known.add(patient.name)
        self._answers[patient.name] = answer, [note] if note else []

    def _record_allergy(self, allergy: Resource) -> None:
        patient = self.of(allergy, "patient")
        code = allergy.first("verificationStatus", "coding", "code") or "unconfirmed"
        status = allergy.first("clinicalStatus", "coding", "code") or "active"
        onset = allergy.first("onsetDateTime") or allergy.first("recordedDate")
        onset_at, substance = (
            self.files.rough_moment(onset),
            coded_concept(allergy.first("code"), Substance),
        )
        is_none = not NONE_KNOWN.isdisjoint(allergy.all("code", "coding", "code"))
        if not self.may_have(allergy, patient):
            return
        if code == "entered-in-error":
            self.ledger.judge_refused(allergy, Rule.ENTERED_IN_ERROR)
        elif is_none or (status != "active" and code != "refuted"):
            self.ledger.judge_refused(allergy, Rule.NOT_HELD)
        elif onset_at is None or substance is None:
            self.ledger.judge_refused(allergy, Rule.UNREADABLE, "it needs onsetDateTime and code")
        else:
            assert patient is not None
            severity = allergy.first("reaction", "severity")
            verifications = {v.value.lower(): v for v in AllergyVerification}
            verifications["confirmed"] = AllergyVerification.CONFIRMED
            answer = self.sender.send(
                allergy,
                self.sender.hospital.allergies.record_allergy,
                onset_at,
                **self.named(patient),
                substance=substance,
                kind=AllergyKind.INTOLERANCE
                if allergy.first("type") == "intolerance"
                else AllergyKind.ALLERGY,
                severity=AllergySeverity(severity.upper()) if severity else None,
                reaction=_manifestation(allergy),
                verification=verifications.get(code),
            )
            self.ledger.judge_answer(allergy, "record_allergy", answer)

    def record_deaths(self) -> None:
        """Record the deaths that no stay has told."""
        for patient in self.files.of("Patient"):
            text = patient.first("deceasedDateTime")
            death = self.files.moment(text)
            if patient.name not in self._known:
                continue
            if death is not None:
                self._record_more(
                    patient,
                    self.sender.hospital.patients.record_death,
                    death,
                    **self.named(patient),
                )
            elif text is not None:
                self._answers[patient.name][1].append("deceasedDateTime is no moment")
            elif patient.first("deceasedBoolean") is True:
                self._answers[patient.name][1].append("deceasedBoolean does not say when")

    def merge(self) -> None:
        """Merge the records that another has replaced."""
        for patient in self.files.of("Patient"):
            links = patient.all("link") if patient.name in self._known else []
            for link in (link for link in links if isinstance(link, dict)):
                if link.get("type") != "replaced-by":
                    continue
                into = self.files.find(next(at("other", "reference")(link), None))
                if into is None or into.table != "Patient" or into is patient:
                    self._answers[patient.name][1].append("replaced by nobody in the files")
                elif into.name not in self._known:
                    self._answers[patient.name][1].append(f"not merged: {into.name} was refused")
                else:
                    names_given = self.named(into)
                    self._record_more(
                        patient,
                        self.sender.hospital.identity.merge_patients,
                        None,
                        **self.named(patient),
                        into_mrn=names_given["patient_mrn"],
                        into_mrn_authority=names_given["mrn_authority"],
                    )

    def _record_more(
        self,
        patient: Resource,
        command: Callable[..., Recorded],
        time: When | None,
        **content: Any,
    ) -> None:
        """Give another command of a patient who is registered; a refusal is told in the note."""
        answer = self.sender.send(patient, command, time, **content)
        if isinstance(answer, Refusal) and not isinstance(answer, PatientDied):
            note = f"{command.__name__} refused: {answer.code}: {answer.message}"
            self._answers[patient.name][1].append(note)

    def judge(self) -> None:
        """Judge the patients, once all is done that may add a note."""
        for patient in self.files.of("Patient"):
            if patient.name in self._answers:
                answer, notes = self._answers[patient.name]
                self.ledger.judge_answer(patient, "register_patient", answer, "; ".join(notes))


def _authority(name: str) -> str:
    """Return the name of an authority in the length that one may have; a long address is cut."""
    if len(name) <= LONGEST:
        return name
    short = name.partition("://")[2] or name
    if len(short) <= LONGEST:
        return short
    digest = sha256(name.encode()).hexdigest()[:12]
    return f"{short[: LONGEST - len(digest) - 1]}~{digest}"


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _manifestation(allergy: Resource) -> str | None:
    """Return the reaction; None where it is said to be unknown."""
    codings = allergy.all("reaction", "manifestation", "coding", "system")
    return (
        None
        if any("data-absent" in s for s in codings)
        else allergy.text("reaction", "manifestation")
    )
