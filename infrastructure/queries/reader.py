"""For whom questions are answered: whose data were shown."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(eq=False, slots=True)
class Reader:
    """Who reads, in one operation. ``shown``: the patients whose data its answer shows so far."""

    shown: set[UUID] = field(default_factory=set)

    def shows(self, patient: UUID) -> None:
        """The answer shows this patient's data: said wherever a view becomes part of an answer."""
        self.shown.add(patient)

    def take(self) -> frozenset[UUID]:
        """Whose data were shown; begins anew."""
        taken = frozenset(self.shown)
        self.shown.clear()
        return taken
