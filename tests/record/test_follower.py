"""The follower: killed, doubled, interrupted or late, it leaves the read models as they should be."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

import infrastructure.projections.batch
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate, schema_differences
from infrastructure.projections.batch import LIVE, BatchProjector
from infrastructure.projections.batch_reader import LogRewound
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner, connect
from infrastructure.read_models import READ_MODELS
from tests.support.hospital_dsl import admitted, at_once, place, request, room, rows
from tests.support.shared_history import (
    LEADING,
    Dump,
    Lived,
    await_position,
    await_read,
    catch_up,
    dump,
    end,
    forget,
    leaders,
    led,
    positions,
    running,
)


class Killed(Exception):
    """The follower dies here."""


def anew(database: Database) -> Dump:
    """Return the rows of the read models after they are filled from nothing."""
    forget(database)
    catch_up(database)
    return dump(database)


def execute(database: Database, statement: str) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(statement.encode())


def test_a_statement_of_the_follower_is_planned_once(lived: Lived) -> None:
    forget(lived.database)
    with connect(lived.database.app_url) as connection:
        projector = BatchProjector(connection, batch=1)
        projector.prepare()
        for _ in range(40):
            projector.step()
        plans = connection.execute(
            "SELECT statement, custom_plans FROM pg_prepared_statements"
            " WHERE generic_plans + custom_plans > 0"
        ).fetchall()
    catch_up(lived.database)
    assert plans
    assert [statement for statement, custom_plans in plans if custom_plans] == []


# -- killed --


@pytest.mark.slow
@pytest.mark.parametrize("batches", [1, 2, 5])
def test_a_follower_that_is_killed_again_and_again_loses_and_doubles_nothing(
    lived: Lived, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(infrastructure.projections.batch, "BATCH", 40)
    forget(lived.database)
    kills = 0

    def killing() -> Callable[[int, int], None]:
        left = [Killed] * batches

        def tell(done: int, total: int) -> None:
            if not left:
                raise Killed
            left.pop()

        return tell

    while True:
        try:
            ProjectionRunner(lived.database.app_url, killing()).catch_up()
            break
        except Killed:
            kills += 1

    assert kills >= 2
    assert dump(lived.database) == lived.first


def test_a_batch_that_breaks_half_way_leaves_nothing(lived: Lived) -> None:
    forget(lived.database)
    # Written after those of the patients, and from the first batch on.
    execute(lived.database, "DROP TABLE timeline_v3.entries")
    try:
        with pytest.raises(psycopg.errors.UndefinedTable):
            catch_up(lived.database)
        assert positions(lived.database) == {0}
        assert rows(lived.database, "SELECT count(*) FROM patients_v4.patients") == [(0,)]
    finally:
        migrate(lived.database)

    catch_up(lived.database)
    assert dump(lived.database) == lived.first


def test_a_follower_whose_connection_is_cut_comes_back_by_itself(
    hospital: Hospital, database: Database, follower: ProjectionRunner
) -> None:
    room(hospital)
    with running(follower):
        await_read(database, 1)
        stay = admitted(hospital, "M1", "A/1/a")
        await_read(database, end(database))
        cut = rows(
            database,
            f"SELECT pg_terminate_backend(pid) FROM (SELECT DISTINCT pid {LEADING}) AS leader",
        )
        assert cut == [(True,)]
        hospital.stays.transfer_patient(request(), stay_id=stay, **place("A/1/b"))
        await_read(database, end(database))

    followed = dump(database)
    assert followed == anew(database)


# -- waiting for the database --


@pytest.mark.parametrize("is_told", [False, True], ids=["by itself", "told of a command"])
def test_a_small_batch_waits_three_times_however_many_tables_it_writes(
    hospital: Hospital, database: Database, tmp_path: Path, is_told: bool
) -> None:
    """Twice where a notification has told that there is something."""
    room(hospital)
    stay = admitted(hospital, "M1", "A/1/a")
    with connect(database.app_url) as connection:
        projector = BatchProjector(connection)
        projector.prepare()
        while projector.step():
            pass
        moved = hospital.stays.transfer_patient(request(), stay_id=stay, **place("A/1/b"))
        with (tmp_path / "messages").open("w") as messages:
            connection.pgconn.trace(messages.fileno())
            assert projector.step(recorded=moved.position if is_told else None)
            connection.pgconn.untrace()
        assert projector.reached == moved.position
        assert not projector.step(recorded=moved.position), "what it has reached is no news"
    lines = (tmp_path / "messages").read_text().splitlines()
    sent = [line.split()[4] for line in lines if "\tF\t" in line]

    assert sent.count("Execute") > 12
    assert sent.count("Sync") == 2 - is_told  # whether there is anything, and the end
    assert 1 <= sent.count("Flush") <= 2  # what is read, and the end, if that is not there yet
    followed = dump(database)
    assert followed == anew(database)


# -- doubled --


def test_of_two_followers_one_leads_and_the_other_takes_over(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    one, other = ProjectionRunner(database.app_url), ProjectionRunner(database.app_url)
    with running(other):
        with running(one):
            await_read(database, 1)
            assert leaders(database) == 1
            for n in range(10):
                admitted(hospital, f"M{n}")
                assert leaders(database) == 1
            await_read(database, end(database))
        admitted(hospital, "M10", "A/1/a")
        await_read(database, end(database))
        assert leaders(database) == 1
    assert leaders(database) == 0

    followed = dump(database)
    assert followed == anew(database)


def test_followers_share_the_read_models_and_one_takes_over_what_another_leaves(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    some = ProjectionRunner(database.app_url, targets=LIVE[:3])
    with running(some):
        await_position(database, LIVE[:3], 1)
        assert positions(database) == {0, 1}
        with running(ProjectionRunner(database.app_url)):
            await_read(database, 1)
            assert leaders(database) == 2
            assert led(database) == len(LIVE)
            admitted(hospital, "M1", "A/1/a")
            await_read(database, end(database))
            some.stop()
            admitted(hospital, "M2", "A/1/b")
            await_read(database, end(database))
            assert (leaders(database), led(database)) == (1, len(LIVE))

    followed = dump(database)
    assert followed == anew(database)


def test_a_leader_whose_connection_is_cut_is_replaced_by_a_warm_one(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    with running(ProjectionRunner(database.app_url), ProjectionRunner(database.app_url)):
        await_read(database, 1)
        for n in range(3):
            rows(
                database,
                f"SELECT pg_terminate_backend(pid) FROM (SELECT DISTINCT pid {LEADING}) AS leader",
            )
            admitted(hospital, f"M{n}")
            await_read(database, end(database))
            assert led(database) <= len(LIVE)

    followed = dump(database)
    assert followed == anew(database)


def test_what_one_follower_has_read_is_not_told_while_another_is_behind(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    catch_up(database)
    with psycopg.connect(database.app_url, autocommit=True) as listener:
        listener.execute("LISTEN wardbook_read")
        admitted(hospital, "M1")
        ProjectionRunner(database.app_url, targets=LIVE[1:]).catch_up()
        ProjectionRunner(database.app_url, targets=LIVE[:1]).catch_up()
        rows(database, "SELECT pg_notify('wardbook_read', 'over')")
        result = [note.payload for note in listener.notifies(timeout=20, stop_after=2)]
    assert result == [str(end(database)), "over"]


def test_several_that_catch_up_at_once_fill_the_read_models_once(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infrastructure.projections.batch, "BATCH", 25)
    forget(lived.database)

    reached = at_once(*[lambda: catch_up(lived.database)] * 4)

    assert reached == [end(lived.database)] * 4
    assert dump(lived.database) == lived.first


def test_commands_and_a_running_follower_together_give_what_the_log_says(
    hospital: Hospital, database: Database, follower: ProjectionRunner
) -> None:
    room(hospital, "1", "a", "b", "c", "d")
    stays = [admitted(hospital, f"M{n}", f"A/1/{bed}") for n, bed in enumerate("ab")]

    def swap() -> None:
        for _ in range(10):
            hospital.stays.swap_beds(request(), stay_id=stays[0], with_stay_id=stays[1])

    def admit(name: str) -> None:
        for n in range(10):
            admitted(hospital, f"{name}{n}")

    with running(follower):
        result = at_once(swap, lambda: admit("P"), swap, lambda: admit("Q"))
        assert result == [None] * 4
        await_read(database, end(database))

    followed = dump(database)
    assert followed == anew(database)


# -- the wrong log --


def test_a_read_model_ahead_of_its_log_is_refused_by_name(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    catch_up(database)
    execute(database, "UPDATE projections.status SET position = 1000 WHERE read_model = 'stays_v1'")
    with pytest.raises(LogRewound, match="stays"):
        catch_up(database)

    execute(database, "DROP SCHEMA stays_v1 CASCADE")
    migrate(database)
    assert catch_up(database) == 1


@pytest.mark.parametrize("change", ["log_id = gen_random_uuid()", "epoch = epoch + 1"])
def test_a_read_model_of_another_log_or_epoch_is_refused(
    hospital: Hospital, database: Database, change: str
) -> None:
    room(hospital)
    catch_up(database)
    execute(database, f"UPDATE record.log SET {change}")
    with pytest.raises(LogRewound, match="is not of this log"):
        catch_up(database)


def test_an_empty_log_is_followed_at_once(database: Database) -> None:
    assert catch_up(database) == 0
    assert positions(database) == {0}


def test_progress_is_told_up_to_the_end(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infrastructure.projections.batch, "BATCH", 100)
    forget(lived.database)
    result: list[tuple[int, int]] = []
    ProjectionRunner(lived.database.app_url, lambda *now: result.append(now)).catch_up()

    last = end(lived.database)
    assert [total for _, total in result] == [last] * len(result)
    assert sorted(result) == result
    assert result[-1] == (last, last)


# -- rebuilt --


@pytest.mark.nightly
@pytest.mark.parametrize("model", READ_MODELS, ids=[model.name for model in READ_MODELS])
def test_a_read_model_that_is_rebuilt_says_the_same(lived: Lived, model: type) -> None:
    catch_up(lived.database)
    (result,) = rebuild(lived.database, [model], lambda done, total: None).values()

    assert (result.different, result.position) == (0, end(lived.database))
    assert result.rows > 0
    assert dump(lived.database) == lived.first
    assert schema_differences(lived.database) == []
    catch_up(lived.database)


def test_a_rebuild_mends_what_was_damaged_and_counts_it(lived: Lived) -> None:
    catch_up(lived.database)
    execute(
        lived.database,
        "UPDATE stays_v1.stays SET bed = 'z' WHERE ctid IN (SELECT ctid FROM stays_v1.stays LIMIT 3)",
    )
    (stays,) = (model for model in READ_MODELS if model.name == "stays")

    result = rebuild(lived.database, [stays], lambda done, total: None)[stays.name]

    assert result.different in (3 + 3, 2 + 2, 1 + 1)
    assert dump(lived.database) == lived.first


@pytest.mark.slow
def test_a_read_model_is_rebuilt_while_commands_and_a_follower_go_on(
    hospital: Hospital, database: Database, follower: ProjectionRunner
) -> None:
    room(hospital, "1", "a", "b")
    stays = [admitted(hospital, f"M{n}", f"A/1/{bed}") for n, bed in enumerate("ab")]

    def swap() -> int:
        for _ in range(40):
            hospital.stays.swap_beds(request(), stay_id=stays[0], with_stay_id=stays[1])
        return 0

    def rebuild_all() -> int:
        rebuilt = rebuild(database, READ_MODELS, lambda done, total: None)
        return sum(r.different for r in rebuilt.values())

    with running(follower):
        await_read(database, end(database))
        assert at_once(swap, rebuild_all) == [0, 0]
        await_read(database, end(database))

    followed = dump(database)
    assert followed == anew(database)
