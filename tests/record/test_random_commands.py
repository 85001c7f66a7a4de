"""Every command is given by random tests: those of stays and persons with a plain model beside them."""

from pathlib import Path

import tests.support
from application.command_group import specs_of
from application.commands.corrections import Corrections
from application.commands.patients import Patients
from application.commands.stays import Stays
from application.hospital import COMMANDS
from tests.support.stateful import GIVEN

SPARED = {
    "break_glass": "it changes what is shown, and nothing that is true",
    "cancel_discharge": "the machine cancels discharges by their ids",
    "correct_death": "the machine takes a death back and records another",
    "record_emergency_care": "care before the admission changes neither bed nor state",
}
"""Commands of stays and persons that the machine does not give, and why."""


def test_the_machine_gives_each_command_of_stays_and_persons() -> None:
    compared = {name for group in (Stays, Corrections, Patients) for name in specs_of(group)}
    assert compared - GIVEN == SPARED.keys(), "give it in tests/support/stateful.py"


def test_the_busy_house_gives_each_other_command() -> None:
    folder = Path(next(iter(tests.support.__path__)))
    given = "".join(path.read_text() for path in folder.glob("random_*.py"))
    missing = [name for name in COMMANDS if f'"{name}"' not in given and name not in GIVEN]
    assert missing == [], "give it in tests/support/random_commands.py"
