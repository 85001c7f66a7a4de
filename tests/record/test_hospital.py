"""The facade of commands: each is found by its name and by its subject."""

from application.command_group import CommandGroup, specs_of
from application.hospital import COMMANDS, Hospital


def test_every_declared_command_is_found_by_its_name(hospital: Hospital) -> None:
    groups = [group for group in vars(hospital).values() if isinstance(group, CommandGroup)]
    result = {
        name: hospital.command(name) == getattr(group, name)
        for group in groups
        for name in specs_of(type(group))
    }
    assert result == dict.fromkeys(COMMANDS, True)


def test_no_two_groups_have_a_command_of_one_name(hospital: Hospital) -> None:
    groups = [type(group) for group in vars(hospital).values() if isinstance(group, CommandGroup)]
    assert sum(len(specs_of(group)) for group in groups) == len(COMMANDS)
