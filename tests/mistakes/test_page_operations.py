"""Mistakes of the page, in what it asks."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from graphql import parse, validate
from graphql.validation import NoDeprecatedCustomRule

from api.graphql.context import Context
from api.graphql.extensions.limits import Costs
from api.graphql.schema import schema
from application.authorization.roles import Caller, Role
from domain.envelope import Actor
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.support.app_without_http import alone
from tests.support.hospital_dsl import admitted, doctor, room
from tests.web.test_page import commands, operations, sent_by

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("role", Role)
def test_mistake_233_no_operation_of_the_page_is_too_costly_to_be_answered(role: Role) -> None:
    """Reports that were issued were asked for by fifties, which was refused, and shown to nobody."""
    for name, document in operations():
        result = validate(schema._schema, parse(sent_by(role, document)), [Costs])
        assert [error.message for error in result] == [], name


def test_mistake_246_each_bed_of_a_board_waits_for_something_of_its_own(database: Database) -> None:
    """Each asked for the label of who lies there: a board took three times as long."""
    with closing(hospital(Settings(), database)) as made:
        room(made, "1", "a", "b")
        admitted(made, "M1", "A/1/a", attending=doctor(made))
        admitted(made, "M2", "A/1/b")
    ProjectionRunner(database.app_url).catch_up()
    actor = Actor(issuer="test", subject="nurse", role=Role.NURSE)
    nurse = Caller(actor, None, datetime.now(UTC) + timedelta(hours=1))
    document = sent_by(Role.NURSE, dict(operations())["WholeBoard"])

    async def ask() -> tuple[object, list[object]]:
        async with alone(database) as house:
            context = Context(house, nurse)
            result = await schema.execute(document, context_value=context)
            assert not result.errors
            return result.data, list(context._loaders)

    board, waited_for = asyncio.run(ask())
    assert str(board).count("'confidentiality': 'NORMAL'") == 2
    assert waited_for == []


def test_mistake_239_the_page_asks_for_what_is_deprecated() -> None:
    """It read roles, kinds and codes as texts where there are enums."""
    documents = [document for _, document in (*operations(), *commands())]
    documents.append((ROOT / "clients" / "operations.graphql").read_text())
    assert [
        error.message
        for document in documents
        for error in validate(schema._schema, parse(document), [NoDeprecatedCustomRule])
    ] == []
