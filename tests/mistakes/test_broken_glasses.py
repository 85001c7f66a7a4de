"""Mistakes about what is opened in an emergency, and for how long."""

from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.break_glass import MOST_HOURS, EmergencyAccess
from domain.envelope import About
from tests.api.test_scope import ENTRY

PATIENTS = [UUID(int=number) for number in (1, 2)]
BROKEN = st.tuples(st.sampled_from(PATIENTS), st.integers(0, 30), st.integers(1, MOST_HOURS))
"""Whom the glass is broken for, hours after the first time, and for how many."""


@given(st.lists(BROKEN, max_size=8), st.integers(0, 60), st.booleans())
def test_mistake_470_what_is_opened_once_more_for_an_hour_is_closed_to_commands_before_questions(
    breaks: list[tuple[UUID, int, int]], asked: int, is_older: bool
) -> None:
    """Questions go by each time the glass was broken, commands went by the last alone.

    ``is_older``: as it was recorded before.
    """
    glass = EmergencyAccess.empty(EmergencyAccess.id_for(ENTRY.recorded_by))
    begin = ENTRY.occurred_at
    past = sorted((b for b in breaks if b[1] <= asked), key=lambda b: b[1])
    for patient, at, hours in past:
        now = begin + timedelta(hours=at)
        entry = replace(ENTRY, occurred_at=now)
        about = About(patient=patient, key_id="1")
        if is_older:
            until = now + timedelta(hours=hours)
            glass.about = about
            glass.record(EmergencyAccess.Broken, entry, patient=patient, until=until)
        else:
            glass.grant(about, hours, now, entry)
    for patient in PATIENTS:
        is_open = any(p == patient and asked < at + hours for p, at, hours in past)
        assert glass.is_open(patient, begin + timedelta(hours=asked)) == is_open
    events = [e for e in glass.collect_events() if isinstance(e, EmergencyAccess.Broken)]
    result = {event.patient: event.until for event in events}
    assert is_older or result == glass.opened, "it is open for as long as was told last"
