"""Recorded facts as refusals refer to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from domain.described_enum import DescribedEnum


class FactKind(DescribedEnum):
    """The kinds of facts that may stand in the way; the value is the word for it."""

    ADMISSION = "admission", "An admission."
    ADMISSION_CANCEL = "cancel of the admission", "The cancel of an admission."
    EMERGENCY_CARE = "emergency care", "Care in the emergency department."
    MOVE = "move", "A move to another place."
    LEAVE_START = "start of leave", "A leave began."
    LEAVE_END = "end of leave", "A return from leave."
    ATTENDING_CHANGE = "change of attending", "Another doctor became responsible."
    SPECIALTY_CHANGE = "change of specialty", "Another specialty became responsible."
    TYPE_CHANGE = "change of type", "The stay became one of another type."
    DISCHARGE_PLAN = "discharge plan", "The discharge was planned."
    DISCHARGE = "discharge", "A discharge."
    REVERSAL = "reversal", "A movement was reversed."
    DEATH = "death", "The death of the patient."
    VISIT = "visit", "A visit of a doctor."
    CONSULT = "consult", "A consult was asked for."
    CONSULT_WITHDRAWAL = "consult withdrawal", "A consult was withdrawn."
    FLAG = "flag", "A flag was raised."
    FLAG_LOWERING = "flag lowering", "A flag was lowered."
    OBSERVATION = "observation", "An observation of another kind."
    PRESCRIPTION = "prescription", "The writing of a prescription."
    PRESCRIPTION_CHANGE = "prescription changed", "A prescription was changed."
    PRESCRIPTION_HOLD = "prescription held", "A prescription was held."
    PRESCRIPTION_RESUMPTION = "prescription resumed", "A prescription was resumed."
    PRESCRIPTION_STOP = "prescription stopped", "A prescription was stopped."
    PRESCRIPTION_COMPLETION = "prescription completed", "A prescription was completed."
    DOSE = "dose", "A dose, given or not given."
    INFUSION_END = "infusion end", "The end of an infusion."
    ALLERGY = "allergy", "An allergy or intolerance."
    ALLERGY_END = "allergy end", "The end of an allergy."
    BED_STATE = "state of a bed", "A bed was closed, being cleaned or reserved."
    BED_REQUEST = "bed request", "A bed was asked for."
    BED_USE = "use of a bed", "Somebody had a bed."


CLINICAL_FACTS = frozenset(
    ["visit", "dose", "infusion", "prescription", "consult", "allergy", "flag", "observation"]
)
"""First words of the kinds of clinical facts."""


@dataclass(frozen=True, slots=True)
class FactRef:
    """A recorded fact that stands in the way."""

    id: Annotated[UUID, "Of the movement, visit, dose or prescription."]
    fact_kind: Annotated[FactKind, "What it is."]
    occurred_at: Annotated[datetime, "When it happened."]
    stay: Annotated[UUID | None, "The stay it belongs to."] = None
    words: str | None = None
    """A noun phrase in place of the word for its kind."""

    @property
    def kind(self) -> str:
        """Return the words for its kind."""
        return self.words or self.fact_kind.value

    @property
    def is_clinical(self) -> bool:
        """Return whether it is a finding or a medicine, and no movement of the stay."""
        return self.fact_kind.partition(" ")[0] in CLINICAL_FACTS
