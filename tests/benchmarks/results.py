"""Results of a benchmark: rows of a table, each against a peer of the same run."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

console = Console()
if not console.is_terminal:
    console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing. ``ratio`` is how many times faster than the peer; ``wanted`` its target."""

    what: str
    measured: str
    peer: str = ""
    peer_measured: str = ""
    ratio: float | None = None
    wanted: str = ""

    @classmethod
    def rates(cls, what: str, rate: float, peer: str, other: float, wanted: str = "") -> "Row":
        """Ours and a peer's, both in so many a second."""
        return cls(what, f"{rate:,.0f}/s", peer, f"{other:,.0f}/s", rate / other, wanted)


def show(rows: list[Row]) -> None:
    """Print the table. Ratios hold between machines; rates are of this one, now."""
    table = Table(title="Wardbook against its peers, in one run")
    for name in ("what", "Wardbook", "peer", "peer's", "ratio", "wanted"):
        right = name in ("Wardbook", "peer's", "ratio", "wanted")
        table.add_column(name, justify="right" if right else "left")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
        table.add_row(row.what, row.measured, row.peer, row.peer_measured, ratio, row.wanted)
    console.print(table)


def say(text: str) -> None:
    """Tell what is under way, or why something is left out."""
    console.print(text, style="dim", highlight=False)
