"""Messages that arrive in any order, one of them twice, over a real socket: one history."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from api.hl7.door import Door
from api.hl7.sending import SendingSystem
from application.hospital import Hospital
from domain.source_visit import SourceKind
from domain.stay.facts import Disposition
from tests.hl7.test_inbound import codes, listening, sent
from tests.hl7.test_triggers import answer
from tests.record.test_source_movements import EXAMPLES, STORIES, VISITS, fed
from tests.support.feed import SYSTEM, Feed, Message, admit, cancel, discharge, transfer

__all__ = ["fed"]

pytestmark = pytest.mark.slow

TRIGGERS = {
    SourceKind.ADMIT: "A01",
    SourceKind.TRANSFER: "A02",
    SourceKind.DISCHARGE: "A03",
    SourceKind.START_LEAVE: "A21",
    SourceKind.END_LEAVE: "A22",
}
CANCELS = {"A01": "A11", "A02": "A12", "A03": "A13", "A21": "A52", "A22": "A53"}
SENDER = SendingSystem(SYSTEM, None, SYSTEM, ZoneInfo("UTC"), dispositions={"01": Disposition.HOME})


def hl7(
    feed: Feed, message: Message, number: int, *, update: str = "", original: str = "A02"
) -> bytes:
    """A message of a story as HL7: the same id, visit and times as the feed gives it.

    ``update``: the ZBE-4 of a Z99 about a movement. ``original``: the trigger of what is cancelled.
    """
    recorded_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=message.told)
    of_movement = TRIGGERS[message.kind] if message.kind else original
    trigger = "Z99" if update or not message.kind else of_movement
    visit = f"{feed.name} {message.visit}"
    at = f"{feed.at(message.hour):%Y%m%d%H%M%S}"
    bed = f"{feed.name}^1^{message.where}" if message.where else ""
    sequence = "" if message.sequence is None else message.sequence
    pv1 = ["PV1", "", "I", bed, *[""] * 15, visit, *[""] * 16, "01" if of_movement == "A03" else ""]
    action = "CANCEL" if message.cancelled else update or "INSERT"
    segments = (
        rf"MSH|^~\&|{SYSTEM}||||{recorded_at:%Y%m%d%H%M%S}||ADT^{trigger}|{feed.name}-{number}|P|2.5|{sequence}",
        f"EVN|{trigger}|{recorded_at:%Y%m%d%H%M%S}",
        f"PID|||{feed.mrn(message.visit.partition('.')[0])}",
        "|".join(pv1).rstrip("|"),
        f"ZBE|{visit} {message.id}|{at}||{action}|N|{of_movement}",
    )
    return "\r".join(segments).encode()


@pytest.mark.parametrize("story", STORIES)
def test_messages_of_a_story_in_any_order_give_one_history(
    hospital: Hospital, tmp_path: Path, story: str
) -> None:
    result, histories = STORIES[story], set()
    orders = list(permutations(range(len(result))))
    door = Door(hospital, [SENDER], tmp_path)

    async def act(port: int) -> None:
        for n, order in enumerate(orders if EXAMPLES > 50 else orders[first_order(story) :: 13]):
            feed = Feed(hospital, f"W{n}", sorted({m.visit[0] for m in result}), "abcd")
            messages = [hl7(feed, result[number], number) for number in order]
            answers = await sent(port, *messages, messages[n % len(messages)])
            assert set(codes(answers)) == {"AA"}
            hospital.source_movements.wait()
            assert feed.pending(*VISITS) == {}, [result[number].id for number in order]
            histories.add(str(feed.history()))
            assert len(histories) == 1, [result[number].id for number in order]

    listening(door, act)
    assert not list(door.refused)


def first_order(story: str) -> int:
    """Each story begins with another order."""
    return len(story) % 13


_NUMBERS = count()
Told = tuple[Message, str, str]
"""A report with the ZBE-4 of its Z99 (none: the trigger of its own) and the original trigger."""


@st.composite
def versions(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """Draw an admission, a transfer and a discharge, each put right or taken back, and an order."""
    minutes = count(1)
    result: list[Told] = []
    for trigger, first, later in (
        ("A01", admit("P", "1", 1, "a"), admit("P", "1", 2, "b")),
        ("A02", transfer("P", "2", 4, "b"), transfer("P", "2", 5, "c")),
        ("A03", discharge("P", "3", 8), discharge("P", "3", 9)),
    ):
        result.append(
            (replace(first, told=next(minutes)), draw(st.sampled_from(["", "INSERT"])), "")
        )
        for at in range(draw(st.integers(0, 2))):
            version = replace(later, hour=later.hour + at / 4, told=next(minutes))
            result.append((version, draw(st.sampled_from(["UPDATE", "UPDATE", "INSERT"])), ""))
        # an admission is never taken back while more of its visit is true
        if trigger != "A01" and draw(st.booleans()):
            result.append((cancel("P", first.id, told=next(minutes)), "", trigger))
    if draw(st.booleans()):
        result += [
            (cancel("P", message.id, told=next(minutes)), "", trigger)
            for message, trigger in ((result[-1][0], "A03"), (transfer("P", "2", 0, ""), "A02"))
        ]
        result.append((cancel("P", "1", told=next(minutes)), "", "A01"))
    return result, draw(st.permutations(result))


@given(versions(), st.data())
@runs(
    max_examples=EXAMPLES * 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_updates_and_cancels_before_what_they_are_of_give_one_history(
    fed: Hospital,
    tmp_path_factory: pytest.TempPathFactory,
    orders: tuple[list[Told], list[Told]],
    data: st.DataObject,
) -> None:
    """By Z99 or by the cancel of the trigger, with ZBE-4 INSERT, UPDATE and CANCEL."""
    door, histories = Door(fed, [SENDER], tmp_path_factory.mktemp("h")), []
    for order in orders:
        feed = Feed(fed, f"Z{next(_NUMBERS)}", "P", "abc")
        again = data.draw(st.sampled_from(order))
        for number, (message, update, original) in enumerate([*order, again]):
            wire = hl7(feed, message, number, update=update, original=original)
            if original and data.draw(st.booleans()):
                wire = wire.replace(b"ADT^Z99", f"ADT^{CANCELS[original]}".encode())
            assert answer(door, wire)[:2] == "AA", wire
        assert feed.pending("P") == {}, order
        histories.append(feed.history())
    assert histories[0] == histories[1]
    assert not list(door.refused)
