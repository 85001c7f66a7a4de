"""Tests of settings from the environment."""

from dataclasses import fields
from pathlib import Path

import pytest

from infrastructure.settings import InvalidSetting, Settings, from_environment, variable_name

NUMBERS = [f.name for f in fields(Settings) if type(f.default) in (int, float)]
SWITCHES = [f.name for f in fields(Settings) if type(f.default) is bool]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_read_as_one(name: str) -> None:
    result = from_environment({variable_name(name): "3"})
    assert getattr(result, name) == 3


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "9e22", "many"])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    no_number = "not a port" if name == "health_port" else "not a (whole )?number"
    with pytest.raises(InvalidSetting, match=f"{variable_name(name)}='{value}' is {no_number}"):
        from_environment({variable_name(name): value})


def test_a_home_that_no_shell_has_read_is_in_the_users_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A service's file says `WARDBOOK_HOME=~/house` as it stands."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert from_environment({"WARDBOOK_HOME": "~/house"}).home == tmp_path / "house"
    assert from_environment({"WARDBOOK_HOME": "a~/house"}).home == Path("a~/house")
    tmp_path.joinpath("file").touch()
    with pytest.raises(InvalidSetting, match="WARDBOOK_HOME='~/file' is not a folder"):
        from_environment({"WARDBOOK_HOME": "~/file"})


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_on_or_off(name: str) -> None:
    variable = variable_name(name)
    switched = [getattr(from_environment({variable: value}), name) for value in ("on", "off")]
    assert switched == [True, False]
    with pytest.raises(InvalidSetting, match=f"{variable}='0' is not on or off"):
        from_environment({variable: "0"})
