"""Every kind of fact says how it is put right and how it is taken back."""

import pytest

from api.cli.correction_table import correction_table
from application.hospital import COMMANDS
from domain.aggregate import Event, NotNeeded
from domain.event_types import EVENTS

NOT_YET = {"patient.details-changed", "prescription.written"}
"""The kinds of facts without a correction or a cancel, and without a reason why none is needed."""


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_fact_names_commands_that_exist_or_a_reason(event: type[Event]) -> None:
    for remedy in (event.CORRECTED_BY, event.CANCELLED_BY):
        if isinstance(remedy, NotNeeded):
            assert remedy.strip()
        else:
            assert set(remedy) <= COMMANDS.keys()
            assert remedy or event.TOPIC in NOT_YET


def test_the_table_has_a_row_for_each_kind_of_fact() -> None:
    table = correction_table()
    assert [topic for topic in EVENTS if table.count(f"| `{topic}` |") != 1] == []
