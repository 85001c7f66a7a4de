"""Messages that arrive in any order, one of them twice, over a real socket: one history."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.hl7.door import Door
from api.hl7.sending import SendingSystem
from application.hospital import Hospital
from domain.source_visit import SourceKind
from domain.stay.facts import Disposition
from tests.hl7.test_inbound import codes, listening, sent
from tests.record.test_source_movements import EXAMPLES, STORIES, VISITS
from tests.support.feed import SYSTEM, Feed, Message

pytestmark = pytest.mark.slow

TRIGGERS = {
    SourceKind.ADMIT: "A01",
    SourceKind.TRANSFER: "A02",
    SourceKind.DISCHARGE: "A03",
    SourceKind.START_LEAVE: "A21",
    SourceKind.END_LEAVE: "A22",
}
SENDER = SendingSystem(SYSTEM, None, SYSTEM, ZoneInfo("UTC"), dispositions={"01": Disposition.HOME})


def hl7(feed: Feed, message: Message, number: int) -> bytes:
    """A message of a story as HL7: the same id, visit and times as the feed gives it."""
    recorded_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=message.told)
    trigger = TRIGGERS[message.kind] if message.kind else "Z99"
    visit = f"{feed.name} {message.visit}"
    at = f"{feed.at(message.hour):%Y%m%d%H%M%S}"
    bed = f"{feed.name}^1^{message.where}" if message.where else ""
    sequence = "" if message.sequence is None else message.sequence
    pv1 = ["PV1", "", "I", bed, *[""] * 15, visit, *[""] * 16, "01" if trigger == "A03" else ""]
    action = "CANCEL" if message.cancelled else "INSERT"
    segments = (
        rf"MSH|^~\&|{SYSTEM}||||{recorded_at:%Y%m%d%H%M%S}||ADT^{trigger}|{feed.name}-{number}|P|2.5|{sequence}",
        f"EVN|{trigger}|{recorded_at:%Y%m%d%H%M%S}",
        f"PID|||{feed.mrn(message.visit.partition('.')[0])}",
        "|".join(pv1).rstrip("|"),
        f"ZBE|{visit} {message.id}|{at}||{action}|N|{'A02' if trigger == 'Z99' else trigger}",
    )
    return "\r".join(segments).encode()


@pytest.mark.parametrize("story", STORIES)
def test_messages_of_a_story_in_any_order_give_one_history(
    hospital: Hospital, tmp_path: Path, story: str
) -> None:
    told, histories = STORIES[story], set()
    orders = list(permutations(range(len(told))))
    door = Door(hospital, [SENDER], tmp_path)

    async def act(port: int) -> None:
        for n, order in enumerate(orders if EXAMPLES > 50 else orders[first_order(story) :: 13]):
            feed = Feed(hospital, f"W{n}", sorted({m.visit[0] for m in told}), "abcd")
            messages = [hl7(feed, told[number], number) for number in order]
            answers = await sent(port, *messages, messages[n % len(messages)])
            assert set(codes(answers)) == {"AA"}
            hospital.source_movements.wait()
            assert feed.pending(*VISITS) == {}, [told[number].id for number in order]
            histories.add(str(feed.history()))
            assert len(histories) == 1, [told[number].id for number in order]

    listening(door, act)
    assert not list(door.refused)


def first_order(story: str) -> int:
    """Each story begins with another order."""
    return len(story) % 13
