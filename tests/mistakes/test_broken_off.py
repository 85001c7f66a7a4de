"""Mistakes of servers about answers that are broken off: what was begun for them is left lying."""

import asyncio
import gc
import warnings
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.work import metered_task
from application.authorization.roles import Caller, Role
from domain.envelope import Actor
from infrastructure.postgres.database import Database
from tests.support.api_dsl import Ward
from tests.support.app_without_http import alone
from tests.support.arrival_examples import planned

QUESTION = """{
  expectedArrivals(first: 3) { nodes { stay { id } patient { otherRecords { mrn } } } }
  stays(first: 3) { nodes { patient { stays { movements { id } } } visits { id } } } }"""
"""Lists of objects with lists of objects: much is begun before any of it is waited for."""


@pytest.mark.parametrize("fast_executor", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_mistake_631_an_answer_that_is_broken_off_leaves_work_that_nobody_waits_for(
    ward: Ward, migrated: Database, fast_executor: bool
) -> None:
    """Python warned of each such coroutine."""
    for _ in range(3):
        mrn = ward.patient()
        ward.stay(patientMrn=mrn)
        planned(ward, patientMrn=mrn)
    schema = make_schema(fast_executor)
    actor = Actor(issuer="test", subject="reader", role=Role.ADMIN)
    caller = Caller(actor, None, datetime.now(UTC) + timedelta(hours=1))

    async def break_off(after: int) -> bool:
        """Break a question off when it begins another task; return whether it had an answer before."""
        loop, begun = asyncio.get_running_loop(), 0

        def begin(loop: Any, work: Coroutine[Any, Any, Any], **named: Any) -> asyncio.Task[Any]:
            nonlocal begun
            begun += 1
            task = metered_task(loop, work, **named)
            if begun == after:
                loop.call_soon(question.cancel)
            return task

        async with alone(migrated) as house:
            context = Context(house, caller)
            question = asyncio.ensure_future(schema.execute(QUESTION, context_value=context))
            loop.set_task_factory(begin)  # type: ignore[arg-type]
            with suppress(asyncio.CancelledError):
                result: Any = await question
                assert result.errors is None, result.errors
                assert len(result.data["stays"]["nodes"]) == 3
                return True
        return False

    with warnings.catch_warnings(record=True) as raised_warnings:
        warnings.simplefilter("always")
        after = 1
        while not asyncio.run(break_off(after)):
            after += 1
        gc.collect()
    assert after > 10
    never_awaited = [
        str(each.message) for each in raised_warnings if each.category is RuntimeWarning
    ]
    assert never_awaited == []
