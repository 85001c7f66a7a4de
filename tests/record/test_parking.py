"""A command that a read model cannot take in is parked, shown, and healed or left out by a decision."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from random import Random
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg
import pytest

import infrastructure.projections.batch
from application.command import Recorded
from application.hospital import Hospital
from domain.aggregate import Event
from domain.event_types import EVENTS
from domain.refusals import InvalidInput, NotFound, ReasonNeeded
from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.mapper import EventMapper
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.batch import LIVE
from infrastructure.projections.dead_letters import IsolatingProjector, ProjectionTarget
from infrastructure.projections.projection import EventPosition, ReadModel
from infrastructure.projections.rebuild import compare, rebuild
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.support.failing import (
    NAMES,
    alone,
    failing,
    fill,
    model,
    of,
    parked,
    quiet,
    with_a_failing,
)
from tests.support.hospital_dsl import request, rows
from tests.support.shared_history import (
    Lived,
    await_read,
    catch_up,
    dead_letters,
    dump,
    end,
    forget,
    running,
)

pytestmark = pytest.mark.nightly


def test_what_fails_is_parked_with_all_that_follows_it_and_the_rest_goes_on(
    hospital: Hospital, database: Database, ward: dict[str, Any]
) -> None:
    fill(database, *with_a_failing("stays", ward["moved"]))

    assert parked(database, "stays") == [
        (ward["moved"], "KeyError at stay.transferred"),
        (ward["swapped"], "follows a command that is parked"),
    ]
    touched = rows(
        database,
        "SELECT touches FROM projections.dead_letters WHERE read_model = 'stays_v1' ORDER BY first",
    )
    (here,) = rows(database, "SELECT room FROM rooms_v1.rooms")[0]
    assert {ward["one"], here} <= set(touched[0][0])
    assert {ward["one"], ward["other"], here} <= set(touched[1][0])
    beds = dict(rows(database, "SELECT stay, bed FROM stays_v1.stays WHERE upper_inf(known)"))
    assert (beds[ward["one"]], beds[ward["other"]]) == ("a", "b")
    assert rows(database, "SELECT FROM stays_v1.stays WHERE specialty = 'surgery'") == [()]
    assert rows(
        database, "SELECT position FROM projections.status WHERE read_model = 'stays_v1'"
    ) == [(end(database),)]

    followed = dump(database)
    forget(database)
    catch_up(database)
    assert of(followed, "stays", parts=False) == of(dump(database), "stays", parts=False)


def test_what_is_said_of_a_parked_command_names_no_patient(
    database: Database, ward: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    fill(database, *with_a_failing("stays", ward["moved"]))
    result = str(dead_letters(database, "stays_v1", "*")) + caplog.text
    assert "Name of" not in result
    assert str(ward["moved"]) in caplog.text
    assert "KeyError at stay.transferred" in caplog.text


# -- decided --


@pytest.fixture
def copy(lived: Lived, server: Database) -> Iterator[Database]:
    """The busy history in a database of its own, whose log may go on."""
    name = rows(lived.database, "SELECT current_database()")[0][0]
    with server.scratch(f"parking_in_{name}", name) as made:
        yield made


@contextmanager
def deciding(database: Database) -> Iterator[Callable[..., Recorded]]:
    """Gives a command after all that the log holds."""
    with closing(wired(Settings(), database)) as hospital:
        now = rows(database, "SELECT max(recorded_at) FROM record.events")[0][0]

        def decide(command: str, **content: Any) -> Recorded:
            command_request = request(now=now + timedelta(hours=1), reason="cannot be read")
            result: Recorded = hospital.command(command)(command_request, **content)
            return result

        yield decide


STREAMS_WITH = "SELECT DISTINCT stream FROM record.events WHERE topic = %s"


BEGUN = (
    "SELECT command_id FROM record.events e WHERE version = 1"
    " AND EXISTS (SELECT FROM record.events f WHERE f.stream = e.stream AND f.version = 2)"
)
"""Commands that begin a stream which goes on: without them what follows cannot be folded."""


def some_commands(
    database: Database, of: type[ReadModel], count: int, but: str = "SELECT NULL::uuid LIMIT 0"
) -> list[UUID]:
    """Commands that the read model folds, some of them early, drawn by lot; none ``but`` those."""
    topics = [topic for topic in EVENTS if of.concerns(topic)]
    result = rows(
        database,
        "SELECT DISTINCT command_id, command_end FROM record.events WHERE topic = ANY(%s)"
        f" AND command_id NOT IN ({but}) ORDER BY command_end",
        [topics],
    )
    late = result[len(result) // 3 :]
    return [command for command, _ in Random(7).sample(late, min(count, len(late)))]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(pytest.param(name, 7, marks=pytest.mark.nightly) for name in NAMES if name != "stays"),
        ("stays", 7),
        ("stays", 1),
        ("timeline", 1000),
    ],
)
def test_a_retry_gives_what_would_have_been_without_the_failure(
    copy: Database, monkeypatch: pytest.MonkeyPatch, name: str, size: int
) -> None:
    monkeypatch.setattr(infrastructure.projections.batch, "BATCH", size)
    bad = some_commands(copy, model(name), 3)
    forget(copy)
    fill(copy, *alone(name, *bad))
    assert set(bad) <= {command for command, _ in parked(copy, name)}
    assert len(compare(copy, model(name), quiet).parked) == len(parked(copy, name))

    with deciding(copy) as decide:
        decide("retry_parked", name=name)
    fill(copy, *alone(name))

    assert parked(copy, name) == []
    healed = of(dump(copy), name)
    forget(copy)
    fill(copy, *alone(name))
    assert healed == of(dump(copy), name)
    assert compare(copy, model(name), quiet).different == 0


@pytest.mark.parametrize("name", ["rooms", "stays", "timeline"])
def test_what_fails_again_is_parked_again(copy: Database, name: str) -> None:
    bad = some_commands(copy, model(name), 3)
    forget(copy)
    fill(copy, *alone(name, *bad))
    before = (parked(copy, name), of(dump(copy), name))

    with deciding(copy) as decide:
        decide("retry_parked", name=name)
    fill(copy, *alone(name, *bad[1:]))
    between = parked(copy, name)
    assert {command for command, _ in between} <= {command for command, _ in before[0]}

    followed = of(dump(copy), name)
    forget(copy)
    fill(copy, *alone(name, *bad[1:]))
    assert (between, followed) == (parked(copy, name), of(dump(copy), name))


@pytest.mark.parametrize("topic", ["prescription.patient-corrected", "stay.patient-corrected"])
def test_a_retry_keeps_what_the_events_of_another_stream_changed(
    copy: Database, topic: str
) -> None:
    """A stay that was moved gives its prescriptions to the other patient, and they stay his."""
    streams = {stream for (stream,) in rows(copy, STREAMS_WITH, [topic])}
    assert streams
    before = of(dump(copy), "timeline")
    with psycopg.connect(copy.owner_url) as owner:
        target = ProjectionTarget(model("timeline"), str(model("timeline").metadata.schema))
        projector = IsolatingProjector(owner, target, EventMapper(), end(copy))
        projector.refill(streams, end(copy))
    assert of(dump(copy), "timeline") == before


@pytest.mark.parametrize(
    "name", ["stays", *(pytest.param(n, marks=pytest.mark.nightly) for n in NAMES if n != "stays")]
)
def test_what_is_skipped_is_left_out_by_every_rebuild_wherever_the_decision_lies(
    copy: Database, name: str
) -> None:
    bad = some_commands(copy, model(name), 1, but=BEGUN)
    broken = failing(model(name), *bad)
    forget(copy)
    fill(copy, *alone(name, *bad))

    with deciding(copy) as decide:
        decide("skip_command", name=name, skipped=bad[0])
        decide("retry_parked", name="visits")
    fill(copy, *alone(name, *bad))

    assert parked(copy, name) == []
    followed = of(dump(copy), name)
    assert compare(copy, broken, quiet).different == 0
    assert compare(copy, model(name), quiet).different == 0, "also by a program that could read it"
    assert rebuild(copy, [broken], quiet)[broken.name].different == 0
    assert of(dump(copy), name) == followed
    forget(copy)
    fill(copy, *alone(name))
    assert of(dump(copy), name) == followed
    left = rows(copy, f"SELECT position FROM {model(name).tables()[0].fullname}")
    theirs = rows(copy, "SELECT position FROM record.events WHERE command_id = %s", bad)
    assert not set(left) & set(theirs)


def test_verify_tells_what_is_parked_until_it_is_decided(copy: Database) -> None:
    bad = some_commands(copy, model("visits"), 1)
    forget(copy)
    fill(copy, *with_a_failing("visits", *bad))
    result = {c.promise: c.examples for c in verify(copy) if c.broken}
    assert list(result) == ["read model visits is the fold of the log"]
    (examples,) = result.values()
    assert any(f"command {bad[0]}" in example and "KeyError" in example for example in examples)

    with deciding(copy) as decide:
        decide("skip_command", name="visits", skipped=bad[0])
    catch_up(copy)
    assert [c.promise for c in verify(copy) if c.broken] == []


def test_a_stay_goes_on_after_what_is_left_out(
    hospital: Hospital, database: Database, ward: dict[str, Any]
) -> None:
    targets = with_a_failing("stays", ward["moved"])
    fill(database, *targets)
    why = request(reason="entered by a machine that was mended since")
    hospital.projections.skip_command(why, name="stays", skipped=ward["moved"])
    fill(database, *targets)

    assert parked(database, "stays") == []
    hospital.stays.change_specialty(request(), stay_id=ward["one"], specialty="surgery")
    fill(database, *targets)
    now = "SELECT stay, bed, specialty FROM stays_v1.stays WHERE upper_inf(known)"
    result = [row[1:] for row in rows(database, now) if row[0] == ward["one"]]
    assert result[-1] == ("b", "surgery")
    assert ("d", None) not in result
    followed = dump(database)
    forget(database)
    catch_up(database)
    assert dump(database) == followed


def test_a_worker_that_runs_acts_on_decisions_as_they_come(
    hospital: Hospital, database: Database, ward: dict[str, Any]
) -> None:
    class Mending(model("stays")):  # type: ignore[misc]
        """Fails at first, and is mended before the retry."""

        name = "stays"
        bad: ClassVar[set[UUID]] = {ward["moved"]}

        def apply(self, event: Event, place: EventPosition) -> None:
            if event.entry.command_id in self.bad:
                raise KeyError(event.TOPIC)
            super().apply(event, place)

    targets = tuple(
        ProjectionTarget(Mending, t.schema) if t.model.name == "stays" else t for t in LIVE
    )
    with running(ProjectionRunner(database.app_url, targets=targets)):
        await_read(database, end(database))
        assert len(parked(database, "stays")) == 2
        Mending.bad.clear()
        hospital.projections.retry_parked(request(), name="stays")
        await_read(database, end(database))
    assert parked(database, "stays") == []
    followed = dump(database)
    forget(database)
    catch_up(database)
    assert dump(database) == followed


def test_skipping_needs_a_reason_a_command_and_a_model_that_may_miss_something(
    hospital: Hospital, ward: dict[str, Any]
) -> None:
    moved, why = ward["moved"], "it can never be read"
    with pytest.raises(ReasonNeeded):
        hospital.projections.skip_command(request(), name="stays", skipped=moved)
    with pytest.raises(NotFound):
        hospital.projections.skip_command(request(reason=why), name="stays", skipped=uuid4())
    with pytest.raises(InvalidInput, match="occupancy never leaves anything out"):
        hospital.projections.skip_command(request(reason=why), name="occupancy", skipped=moved)
    hospital.projections.skip_command(request(reason=why), name="stays", skipped=moved)
    with pytest.raises(InvalidInput, match="already"):
        hospital.projections.skip_command(request(reason=why), name="stays", skipped=moved)
