"""Result of an integrity check."""

from dataclasses import dataclass, field

MAX_EXAMPLES = 10
"""Examples of one broken invariant that are reported."""


@dataclass(slots=True)
class CheckResult:
    """The result of one check: how many were looked at, how many break it, and the first of those."""

    promise: str
    looked_at: int = 0
    broken: int = 0
    examples: list[str] = field(default_factory=list)

    def breaks(self, example: str) -> None:
        self.broken += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(example)
