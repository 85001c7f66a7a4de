"""Refusals of commands about the care of a patient, and the warnings that they name."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from domain.described_enum import DescribedEnum
from domain.problems import PROBLEM, Problem
from domain.refusals import Refusal


class ClinicalWarning(DescribedEnum):
    """A warning that is confirmed by who goes on all the same."""

    ALLERGY = "ALLERGY", "The patient is allergic to the medicine, or does not tolerate it."
    TOO_EARLY = "TOO_EARLY", "The dose is not due yet."
    GIVEN_TWICE = "GIVEN_TWICE", "The dose that is due was given already."
    ON_LEAVE = "ON_LEAVE", "The patient is on leave then."
    OVER_MAXIMUM = "OVER_MAXIMUM", "The most that may be given in 24 hours was given already."


class AllergyStateBroken(Refusal):
    """The state of the allergy does not allow it.

    Example: ending what has ended.
    """

    problem: Annotated[Problem, PROBLEM]

    path = ("allergy_id",)

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(
            f"The state of the allergy does not allow this: {detail or problem.clause}."
        )
        self.problem = problem


class AllergyKnown(Refusal):
    """The allergy, or intolerance, of the person is recorded already, perhaps under another number.

    Of one substance a person has one at a time; one that has ended may begin again.
    """

    allergy_id: Annotated[UUID, "The allergy that is recorded."]

    path = ("substance",)

    def __init__(self, kind: str, substance: str, allergy: UUID) -> None:
        super().__init__(
            f"The {kind} to {substance} is recorded already; correct allergy {allergy}"
            " if more is known of it."
        )
        self.allergy_id = allergy


class WarningsUnconfirmed(Refusal):
    """There are warnings against it, and nobody has confirmed them with a reason.

    Examples: a medicine that the patient is allergic to, a dose that is given twice.
    """

    warnings: Annotated[tuple[ClinicalWarning, ...], "What is to be confirmed."]

    path = ("confirmed_warnings",)

    def __init__(self, warnings: Mapping[ClinicalWarning, str]) -> None:
        """``warnings``: each with what there is to it."""
        super().__init__(
            "; ".join(warnings.values())
            + f". If it is right all the same, say {', '.join(warnings)} in `confirmed_warnings`,"
            " and why in `reason`."
        )
        self.warnings = tuple(warnings)
