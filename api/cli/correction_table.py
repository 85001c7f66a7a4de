"""The table of corrections as Markdown: ``docs/corrections.md``, generated from the event classes."""

import re

from strawberry.utils.str_converters import to_camel_case

from domain.aggregate import Aggregate, Event, NotNeeded, Remedy
from domain.event_types import AGGREGATES, EVENTS

INTRODUCTION = """\
# Corrections

Each kind of fact, the mutation that puts it right, and the mutation that takes it back. Where there
is none, the reason why none is needed. A correction and a cancel are facts of their own: what they
replace stays readable by `knownAt` ([time.md](time.md)). What follows from a fact is derived again.

This page is generated: `wardbook schema --corrections --write`. What it says is declared at the event's
class (`CORRECTED_BY`, `CANCELLED_BY`).

The answer to each command has what its corrections ask for, if the command's own input has not (a test
gives every command, and looks). Changing a prescription answers `change { changeId }`, which
`correctPrescriptionChange` takes; a dose is `administration { id }`, a transfer `movements { id }`,
a merge `merge { id }`, a closure `bedStates { id }`. `correctFacts` also answers the `visits { id }`
and `administrations { id }` that were entered late. `occurredAt` is what `setAt` of a room's policy
asks for, `validFrom` the day of a change of a practitioner.
"""


def correction_table() -> str:
    """Return the page: a table for each kind of aggregate, with a row for each kind of fact."""
    return INTRODUCTION + "".join(_section(aggregate) for aggregate in AGGREGATES)


def _section(aggregate: type[Aggregate]) -> str:
    rows = "".join(_row(event) for event in EVENTS.values() if event.belongs_to(aggregate))
    head = "| fact | | put right by | taken back by |\n|---|---|---|---|\n"
    return f"\n## {aggregate.TOPIC}\n\n{head}{rows}"


def _row(event: type[Event]) -> str:
    cells = (event.DESCRIPTION, _cell(event.CORRECTED_BY), _cell(event.CANCELLED_BY))
    return f"| `{event.TOPIC}` | {' | '.join(cells)} |\n"


def _cell(remedy: Remedy) -> str:
    if isinstance(remedy, NotNeeded):
        return re.sub("`[^`]+`", lambda name: to_camel_case(name[0]), remedy)
    return ", ".join(f"`{to_camel_case(command)}`" for command in remedy) or "none yet"
