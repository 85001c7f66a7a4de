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
        super().__init__(
            f"{len(candidates)} known already may be this person; look at them, and register"
            " with `despite_likely_duplicates` if they are others."
        )
        self.candidates = candidates
        self.patients = frozenset(candidates)
