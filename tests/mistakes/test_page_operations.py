"""Mistakes of the page, in what it asks."""

import pytest
from graphql import parse, validate

from api.graphql.extensions.limits import Costs
from api.graphql.schema import schema
from application.authorization.roles import Role
from tests.web.test_page import operations, sent_by


@pytest.mark.parametrize("role", Role)
def test_mistake_233_no_operation_of_the_page_is_too_costly_to_be_answered(role: Role) -> None:
    """Reports that were issued were asked for by fifties, which was refused, and shown to nobody."""
    for name, document in operations():
        told = validate(schema._schema, parse(sent_by(role, document)), [Costs])
        assert [error.message for error in told] == [], name
