"""Commands on beds of one room at once: appended together, on no bed that somebody else has taken."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from time import monotonic
from typing import Any
from uuid import uuid4

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.command import Recorded
from application.hospital import Hospital
from domain.refusals import Refusal
from domain.stay.facts import Disposition
from infrastructure.event_store.group_commit import GroupCommit
from infrastructure.event_store.log_reader import _BEDS
from infrastructure.event_store.recorder import Recorder
from infrastructure.integrity.check import verify_log
from infrastructure.postgres.database import PLAN_BY_INDEX, Database
from tests.support.event_builders import crafted
from tests.support.hospital_dsl import (
    ELECTIVE,
    admitted,
    ago,
    assert_claims_are_the_stays,
    at_once,
    place,
    request,
    room,
    rows,
)

BEDS = "abcdefgh"


class Watched:
    """The way of a recorder into the log: the first batch waits until others wait behind it."""

    def __init__(self, recorder: Recorder, waiting: int) -> None:
        self.outcomes: list[list[str]] = []
        self._waiting, self._append = waiting, recorder.append_batch
        self._group = GroupCommit(recorder._send)
        recorder._group = self._group
        recorder.append_batch = self.append_batch  # type: ignore[method-assign]

    def append_batch(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        soon = monotonic() + 20
        while not self.outcomes and len(self._group._waiting) < self._waiting:
            assert monotonic() < soon
        answer = self._append(commands)
        self.outcomes.append([t["outcome"] for t in answer])
        return answer


def test_commands_on_other_beds_of_a_room_are_appended_together(
    hospital: Hospital, recorder: Recorder, database: Database
) -> None:
    room(hospital, "1", *BEDS)
    for bed in BEDS:
        hospital.patients.register_patient(request(), mrn=bed)
    watched = Watched(recorder, len(BEDS) - 1)

    def admit(bed: str) -> Any:
        return hospital.stays.admit_patient(
            request(), patient_mrn=bed, admission_type=ELECTIVE, **place(f"A/1/{bed}")
        )

    result = at_once(*[lambda b=bed: admit(b) for bed in BEDS])

    assert watched.outcomes == [["recorded"], ["recorded"] * 7]
    versions = rows(
        database,
        "SELECT command_id, version FROM record.events WHERE topic = 'occupancy.stretches-changed'",
    )
    assert sorted(version for _, version in versions) == list(range(1, 9))
    results = [answer for answer in result if isinstance(answer, Recorded)]
    assert {(r.command_id, r.events[-1].originator_version) for r in results} == set(versions)
    assert_claims_are_the_stays(database)
    assert [c.examples for c in verify_log(database) if c.broken] == []


def test_a_bed_that_others_want_at_once_is_given_once(
    hospital: Hospital, recorder: Recorder, database: Database
) -> None:
    room(hospital, "1", *BEDS)
    for n in range(len(BEDS)):
        hospital.patients.register_patient(request(), mrn=str(n))
    Watched(recorder, len(BEDS) - 1)

    def admit(n: int) -> Any:
        where = place(f"A/1/{BEDS[n % 2]}")
        return hospital.stays.admit_patient(
            request(), patient_mrn=str(n), admission_type=ELECTIVE, **where
        )

    result = at_once(*[lambda n=n: admit(n) for n in range(len(BEDS))])

    assert sum(isinstance(t, Refusal) for t in result) == 6
    assert rows(database, "SELECT count(*) FROM record.bed_claims") == [(2,)]
    assert_claims_are_the_stays(database)


def test_processes_that_move_many_in_one_room_lose_nothing(
    hospital: Hospital, another: Callable[[], Hospital], database: Database
) -> None:
    room(hospital, "1", *BEDS)
    houses = [hospital, another(), another()]
    stays = [admitted(hospital, f"M{n}", f"A/1/{BEDS[n]}", ago(hours=2)) for n in range(6)]

    def live(n: int) -> int:
        lot, house, count = Random(f"room {n}"), houses[n % 3], 0
        for _ in range(12):
            act = lot.choice(["move", "move", "leave", "return"])
            try:
                if act == "move":
                    where = place(f"A/1/{lot.choice(BEDS)}")
                    house.stays.transfer_patient(request(), stay_id=stays[n], **where)
                elif act == "leave":
                    house.stays.start_leave(request(), stay_id=stays[n], keep_bed=True)
                else:
                    house.stays.end_leave(request(), stay_id=stays[n])
            except Refusal:
                continue
            count += 1
        house.stays.discharge_patient(request(), stay_id=stays[n], disposition=Disposition.HOME)
        return count + 1

    result = at_once(*[lambda n=n: live(n) for n in range(6)])

    assert all(isinstance(count, int) for count in result), result
    ((versions, count),) = rows(
        database,
        "SELECT max(version), count(*) FROM record.events WHERE topic = 'occupancy.stretches-changed'",
    )
    assert versions == count
    assert_claims_are_the_stays(database)
    assert [c.examples for c in verify_log(database) if c.broken] == []


def test_who_was_in_a_room_long_ago_is_not_read(hospital: Hospital, database: Database) -> None:
    id = room(hospital, "1", *BEDS)
    for bed in BEDS[:4]:
        admitted(hospital, bed, f"A/1/{bed}", ago(hours=2))
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO record.bed_claims SELECT bed_no, room, bed, gen_random_uuid(),"
            " tstzrange(now() - n * interval '2 days', now() - (2 * n - 1) * interval '1 day'), false"
            " FROM record.bed_claims, generate_series(1, 1000) n"
        )
        owner.execute(PLAN_BY_INDEX)
        since = datetime.now(UTC) - timedelta(minutes=1)
        values = [[id], [since], [None], [], []]
        ((plan,),) = owner.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {_BEDS}".encode(), values)
        assert len(owner.execute(_BEDS.encode(), values).fetchall()) == 4
    assert _left_out(plan[0]["Plan"]) < 20


def _left_out(plan: dict[str, Any]) -> int:
    """Return the rows that a plan reads and does not give."""
    reasons = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(int(plan.get(r, 0)) for r in reasons) + sum(map(_left_out, plan.get("Plans", ())))


# -- record.append against a model of it --

commands = st.builds(
    lambda beds, behind, whole, ahead, written: {
        "beds": None if whole else beds,
        "behind": behind,
        "ahead": ahead,
        "written": written,
    },
    beds=st.sets(st.sampled_from("abc"), max_size=2),
    behind=st.sampled_from([0, 0, 0, 1, 2, -1]),
    whole=st.sampled_from([False, False, False, True]),
    ahead=st.sampled_from([0, 0, 0, 0, 1, -1]),
    written=st.lists(st.sampled_from("abc"), max_size=2),
)
"""What a command reads of a room and writes there: ``behind`` and ``ahead`` of the versions that fit."""


class Model:
    """A room as the log is to have it: the bed of each event."""

    def __init__(self) -> None:
        self.beds: list[str] = []
        self.stream = uuid4()

    def command(self, drawn: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Return a command, and the outcome that it is to have after all before it."""
        last, beds, written = len(self.beds), drawn["beds"], drawn["written"]
        read = max(0, last - drawn["behind"])
        first = max(1, (read if beds is None else last) + 1 + (drawn["ahead"] if beds else 0))
        command = crafted((uuid4(), 1), *((self.stream, first + n) for n in range(len(written))))
        for event, bed in zip(command["events"][1:], written, strict=True):
            event["own"] = {"ended": [], "begun": [{"bed": bed}]}
        command["reads"][str(self.stream)] = read
        if beds is not None:
            command["beds_read"] = {str(self.stream): sorted(beds)}
        outcome = "recorded"
        if read != last and (beds is None or read > last or beds & set(self.beds[read:])):
            outcome = "stale"
        elif written and first != last + 1:
            outcome = "behind"
        if outcome == "recorded":
            self.beds += written
        return command, outcome


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(commands, min_size=1, max_size=5), min_size=1, max_size=4))
def test_the_outcomes_of_commands_on_a_room_are_those_of_one_after_the_other(
    recorder: Recorder, database: Database, batches: list[list[dict[str, Any]]]
) -> None:
    model = Model()
    for batch in batches:
        pairs = [model.command(drawn) for drawn in batch]
        reply = recorder.append_batch([command for command, _ in pairs])
        assert [t["outcome"] for t in reply] == [outcome for _, outcome in pairs]
        for answer in reply:
            if answer["outcome"] == "behind":
                assert list(answer["versions"]) == [str(model.stream)]
    result = rows(
        database,
        "SELECT version, own->'begun'->0->>'bed' FROM record.stored_events WHERE stream = %s"
        " ORDER BY version",
        [model.stream],
    )
    assert result == list(enumerate(model.beds, 1))
