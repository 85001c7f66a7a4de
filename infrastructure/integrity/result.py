"""Result of an integrity check, and checks by one statement."""

from dataclasses import dataclass, field

from psycopg import Connection
from psycopg.rows import TupleRow

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


def query(connection: Connection[TupleRow], promise: str, count: str, broken: str) -> CheckResult:
    """Check an invariant by a SELECT that returns a sentence for each violation."""
    row = connection.execute(count.encode()).fetchone()
    result = CheckResult(promise, int(row[0]) if row else 0)
    for (problem,) in connection.execute(broken.encode()):
        result.breaks(problem)
    return result
