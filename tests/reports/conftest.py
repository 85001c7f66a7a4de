"""A ward whose reports are asked over HTTP."""

import pytest

from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient


@pytest.fixture
def ward(client: GraphQLClient) -> Ward:
    """A ward with a server of its own, on an empty log."""
    return Ward(client)
