"""All read models rebuilt in one pass, and texts that COPY or JSON could take for something else."""

import pytest

import infrastructure.projections.batch
from application.hospital import Hospital
from domain.stay.events import VisitKind
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import schema_differences
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from tests.record.test_follower import execute
from tests.support.hospital_dsl import admitted, doctor, request, rows
from tests.support.shared_history import (
    Lived,
    catch_up,
    dump,
    end,
)


def test_all_that_are_rebuilt_in_one_pass_say_the_same(lived: Lived) -> None:
    catch_up(lived.database)
    result: list[tuple[int, int]] = []

    rebuilt = rebuild(lived.database, READ_MODELS, lambda *now: result.append(now))

    assert list(rebuilt) == [model.name for model in READ_MODELS]
    assert {r.different for r in rebuilt.values()} == {0}
    assert {r.position for r in rebuilt.values()} == {end(lived.database)}
    assert result[-1] == (end(lived.database), end(lived.database))
    assert dump(lived.database) == lived.first
    assert schema_differences(lived.database) == []


def test_one_pass_mends_what_was_damaged_and_counts_it(lived: Lived) -> None:
    catch_up(lived.database)
    execute(lived.database, "DELETE FROM visits_v1.visits")

    rebuilt = rebuild(lived.database, READ_MODELS, lambda done, total: None)

    damaged = rebuilt.pop("visits")
    assert damaged.different == damaged.rows > 0
    assert {r.different for r in rebuilt.values()} == {0}
    assert dump(lived.database) == lived.first


@pytest.mark.parametrize(
    "text",
    [
        "a\tb",
        "a\nb\nc",
        "\\N",
        "\\.",
        'a\\tb"c',
        "{a,b}",
        "null",
        '"\\n',
        "ä \U0001f3e5",
        " ",
    ],
)
@pytest.mark.parametrize("pipelined", [0, 40])
def test_a_read_model_keeps_any_text_as_it_was_given(
    hospital: Hospital,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    pipelined: int,
) -> None:
    monkeypatch.setattr(infrastructure.projections.batch, "PIPELINED", pipelined)
    stay, staff_number = admitted(hospital, "M1"), doctor(hospital)
    hospital.stays.record_visit(
        request(reason=text),
        stay_id=stay,
        practitioner=staff_number,
        kind=VisitKind.ROUND,
        note=text,
    )
    ProjectionRunner(database.app_url).catch_up()

    assert rows(database, "SELECT note FROM visits_v1.visits") == [(text,)]
    visit = (
        "SELECT reason, data->>'note' FROM timeline_v3.entries WHERE kind = 'STAY_VISIT_RECORDED'"
    )
    assert rows(database, visit) == [(text, text)]
