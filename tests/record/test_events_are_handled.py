"""Each event is handled by the timeline, or it is said there that it has no entry."""

from domain.event_types import EVENTS
from domain.source_visit import SourceVisit
from infrastructure.queries.timeline_summaries import KINDS, SUMMARIES
from infrastructure.read_models.timeline.projection import ABOUT_NOBODY, CORRECTIONS, NOT_SHOWN


def test_every_event_has_a_summary_or_is_known_to_have_no_entry_of_its_own() -> None:
    for event in EVENTS.values():
        places = (
            event in SUMMARIES,
            event in CORRECTIONS,
            event in (*NOT_SHOWN, SourceVisit.Settled),  # the latter is shown as what it settles
            any(event.belongs_to(aggregate) for aggregate in ABOUT_NOBODY),
        )
        assert sum(places) == 1, event.TOPIC


def test_every_summary_is_of_a_kind_of_entry() -> None:
    assert set(KINDS.values()) == set(SUMMARIES)
