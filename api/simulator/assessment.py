"""Assessment by nurses: allergies, and flags on the board while they hold."""

from datetime import datetime

from api.simulator.clock import HOUR, MINUTE
from api.simulator.house import Kind
from api.simulator.inpatient import Inpatient, World
from api.simulator.recording_queue import NOTE, PROMPT, Recordable
from api.simulator.texts import FLAG_NOTES, REACTIONS
from domain.allergies import AllergySeverity, AllergyVerification, Substance
from domain.board_flags import NOTE as FREE_TEXT
from domain.stay.events import AdmissionType

ALLERGIC = 0.18
OLD_FROM = 75
FALL_RISK, FALL_RISK_OF_THE_OLD = 0.06, 0.45
ISOLATION, RESUSCITATION_OF_THE_OLD, NOTED = 0.05, 0.12, 0.08

ATC = "http://www.whocc.no/atc"
SUBSTANCES = (
    Substance(name="Penicillins", code="J01C", system=ATC),
    Substance(name="Sulfonamides", code="J01E", system=ATC),
    Substance(name="Iodinated contrast media", code="V08A", system=ATC),
    Substance(name="Latex"),
    Substance(name="Peanuts"),
)
"""None of them is among the drugs of adults in `medicines`, so that no prescription is refused."""


class Flag(Recordable):
    KIND = "flag"


class Assessment:
    """Assessment of a patient who comes; it draws from a generator of its own."""

    def __init__(self, world: World) -> None:
        self.world = world

    def begin(self, patient: Inpatient) -> None:
        wait = self.world.flag_rng.uniform(20, 150) * MINUTE
        self.world.agenda.after(wait, lambda: self._assess(patient))

    def _assess(self, patient: Inpatient) -> None:
        rng, person = self.world.flag_rng, patient.person
        if not patient.is_here or patient.admission is AdmissionType.NEWBORN:
            return
        if not person.is_assessed and patient.goes_to is not Kind.PAEDIATRICS:
            person.is_assessed = True
            if rng.random() < ALLERGIC:
                self._record_allergy(patient)
        is_old = person.born is not None and self.world.now.year - person.born.year >= OLD_FROM
        if rng.random() < (FALL_RISK_OF_THE_OLD if is_old else FALL_RISK):
            self._raise(patient, "FALL_RISK")
        if rng.random() < ISOLATION:
            self._raise(patient, "ISOLATION", lowered_after=rng.uniform(30, 120))
        if is_old and rng.random() < RESUSCITATION_OF_THE_OLD:
            self._raise(patient, "RESUSCITATION")
        if rng.random() < NOTED:
            self._raise(patient, FREE_TEXT, note=rng.choice(FLAG_NOTES))
        if patient.admission is AdmissionType.ELECTIVE and patient.goes_to is Kind.SURGERY:
            self._raise(patient, "NIL_BY_MOUTH", lowered_after=rng.uniform(8, 30))

    def _record_allergy(self, patient: Inpatient) -> None:
        rng = self.world.flag_rng
        self.world.record(
            "record_allergy",
            "nurse",
            NOTE,
            rng,
            after=patient.opened,
            about=patient.mrns,
            patient_mrn=patient.person.mrn,
            substance=rng.choice(SUBSTANCES),
            severity=rng.choice(list(AllergySeverity)),
            reaction=rng.choice(REACTIONS),
            verification=rng.choice(
                [AllergyVerification.UNCONFIRMED, AllergyVerification.CONFIRMED]
            ),
        )

    def _raise(
        self,
        patient: Inpatient,
        kind: str,
        lowered_after: float | None = None,
        note: str | None = None,
    ) -> None:
        """Raise a flag; one that does not hold to the end is lowered some hours later."""
        flag, world = Flag(), self.world
        raised_at = world.record(
            "raise_flag",
            "nurse",
            PROMPT,
            world.flag_rng,
            after=patient.opened,
            about=patient.mrns,
            creates=flag,
            stay_id=patient,
            flag_kind=kind,
            note=note,
        )
        if lowered_after is not None:
            wait = lowered_after * HOUR
            world.agenda.after(wait, lambda: self._lower(patient, flag, raised_at))

    def _lower(self, patient: Inpatient, flag: Flag, raised: datetime) -> None:
        if patient.is_here:
            self.world.record(
                "lower_flag",
                "nurse",
                PROMPT,
                self.world.flag_rng,
                after=max(patient.opened, raised),
                about=patient.mrns,
                stay_id=patient,
                flag_id=flag,
            )
