"""Erasure of a person: why, who asks for it, and why it is refused."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from domain.described_enum import DescribedEnum
from domain.envelope import Actor, Envelope
from domain.problems import PROBLEM, Problem
from domain.refusals import Refusal


class LegalBasis(DescribedEnum):
    """Reason why a person's data are erased (GDPR article 17, paragraph 1)."""

    NO_LONGER_NECESSARY = (
        "NO_LONGER_NECESSARY",
        "They are needed no more; the time to keep them ended (a).",
    )
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN", "The consent was withdrawn that they rested on (b)."
    OBJECTION = "OBJECTION", "The person objects, and nothing outweighs that (c)."
    UNLAWFUL_PROCESSING = "UNLAWFUL_PROCESSING", "They should not have been processed (d)."
    LEGAL_OBLIGATION = "LEGAL_OBLIGATION", "A law demands it (e)."


@dataclass(frozen=True, slots=True)
class Erasure:
    """A request to erase a person, and who made it."""

    id: UUID
    legal_basis: LegalBasis
    by: Actor


def proven_text(patient: UUID, erasure: UUID, streams: tuple[UUID, ...], entry: Envelope) -> str:
    """Return the text that the proof of an erasure is of: whose keys, upon which request, by whom."""
    by = entry.recorded_by
    lines = ("erasure", entry.command_id, erasure, by.issuer, by.subject, patient, *streams)
    return "\n".join(map(str, lines))


class ErasureImpossible(Refusal):
    """The person cannot be erased now."""

    stays: Annotated[tuple[UUID, ...], "The stays that are open."]
    problem: Annotated[Problem, PROBLEM]

    path = ("patient_mrn",)

    def __init__(self, problem: Problem, detail: str = "", stays: tuple[UUID, ...] = ()) -> None:
        super().__init__(f"The person cannot be erased: {detail or problem.clause}.")
        self.problem = problem
        self.stays = stays
