"""What the environment says."""

from dataclasses import fields

import pytest

from infrastructure.settings import Settings, from_environment, variable_name

NUMBERS = [f.name for f in fields(Settings) if isinstance(f.default, int | float)]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_read_as_one(name: str) -> None:
    told = from_environment({variable_name(name): "3"})
    assert getattr(told, name) == 3
