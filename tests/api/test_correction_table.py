"""Every kind of fact says how it is put right and how it is taken back."""

import re

import pytest

from api.cli.correction_table import correction_table
from api.graphql.schema import schema
from application.hospital import COMMANDS
from domain.aggregate import Event, NotNeeded
from domain.event_types import EVENTS


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_fact_names_commands_that_exist_or_a_reason(event: type[Event]) -> None:
    for remedy in (event.CORRECTED_BY, event.CANCELLED_BY):
        if isinstance(remedy, NotNeeded):
            assert remedy.strip()
        else:
            assert remedy, "a fact without a way to put it right, or to take it back"
            assert set(remedy) <= COMMANDS.keys()


def test_the_table_names_mutations_as_clients_know_them() -> None:
    mutation = schema._schema.mutation_type
    assert mutation is not None
    cells = re.findall(r"^\| `[^`]+` \|[^|]+\|(.*)\|$", correction_table(), re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert len(cells) == len(EVENTS)
    assert named <= set(mutation.fields)
    assert not re.search(r"none yet|\w_\w", " ".join(cells))


def test_the_table_has_a_row_for_each_kind_of_fact() -> None:
    table = correction_table()
    assert [topic for topic in EVENTS if table.count(f"| `{topic}` |") != 1] == []
