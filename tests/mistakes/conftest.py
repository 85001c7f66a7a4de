"""The tests of a file share one server: each makes rooms and people of its own."""

import pytest

from tests.api.conftest import shared
from tests.support.api_dsl import Ward

__all__ = ["shared"]


@pytest.fixture
def ward(shared: Ward) -> Ward:
    return shared
