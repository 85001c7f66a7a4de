"""The refusal of a registration of somebody who is likely known already."""

from typing import Annotated
from uuid import UUID

from domain.refusals import Refusal


class LikelyDuplicates(Refusal):
    """The person is likely known already.

    Where the house wants it, who registers has to say that those who are known are others.
    """

    candidates: Annotated[tuple[UUID, ...], "The patients who are likely the same person."]

    path = ("despite_likely_duplicates",)

    def __init__(self, candidates: tuple[UUID, ...]) -> None:
        patients = "1 patient" if len(candidates) == 1 else f"{len(candidates)} patients"
        super().__init__(
            f"{patients} known already may be this person: look there, and go on with that record, or"
            " register with `despite_likely_duplicates` if it is another person."
        )
        self.candidates = candidates
        self.patients = frozenset(candidates)
