"""Every error of the program is one of `WardbookError`'s, and each has one answer."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import pytest
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy.exc import InternalError

import api
import application
import domain
import infrastructure
from api.errors import RESPONSES, error_code, response_to
from api.exit_codes import ExitCode
from api.graphql.types.error_code import ErrorCode
from domain.errors import WardbookError
from domain.refusals import AlreadyExists, NotAllowed, NotFound
from domain.things import Thing

PACKAGES: tuple[ModuleType, ...] = (api, application, domain, infrastructure)


def exception_classes() -> Iterator[type[BaseException]]:
    """The exception classes that are defined in the four packages."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for _, kind in inspect.getmembers(
                importlib.import_module(module.name), inspect.isclass
            ):
                if issubclass(kind, BaseException) and kind.__module__ == module.name:
                    yield kind


def test_every_exception_class_derives_from_the_base_class() -> None:
    classes = set(exception_classes())
    assert len(classes) > 30
    assert [kind for kind in classes if not issubclass(kind, WardbookError)] == []


@pytest.mark.parametrize("kind", RESPONSES, ids=lambda kind: kind.__name__)
def test_what_is_answered_with_a_status_outside_of_graphql_has_a_code(
    kind: type[BaseException],
) -> None:
    row = RESPONSES[kind]
    assert row.status == 500 or row.code is not None
    assert row.code is not None or row.exit_code is not None


def test_an_error_is_answered_as_the_nearest_base_class_that_has_a_row() -> None:
    class Unheard(WardbookError):
        pass

    response = response_to(Unheard("a {sentence}"))
    assert (response.code, response.exit_code) == ("INTERNAL", ExitCode.REFUSED)
    assert response.advice == "a {sentence}"
    refusal = response_to(NotAllowed("not {you}"))
    assert (refusal.code, refusal.message) == ("NOT_ALLOWED", "not {you}.")


def test_each_code_is_one_of_the_schema_in_one_style() -> None:
    codes = {row.code for row in RESPONSES.values() if row.code and "{" not in row.code}
    assert {error_code(code) for code in codes | {"INTERNAL"}} <= set(ErrorCode.__members__)
    assert all(re.fullmatch("[A-Z]+(_[A-Z]+)*", code) for code in ErrorCode.__members__)
    assert [error_code(code) for code in ("NotAllowed", "NOT_ALLOWED")] == ["NOT_ALLOWED"] * 2


def test_a_client_is_not_told_the_name_that_was_looked_for_and_an_operator_is() -> None:
    response = response_to(NotFound(Thing.PATIENT, "Okafor", "patientMrn"))
    assert (response.code, response.message) == ("NotFound", "There is no such patient.")
    assert "Okafor" in response.advice


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (Thing.STAY, "no such stay"),
        (Thing.PATIENT_WITH_MRN, "no patient with this MRN"),
        (Thing.STAFF_NUMBER, "no practitioner with this staff number"),
        (Thing.STAY_OF_VISIT, "no stay of this visit"),
        (Thing.PRESCRIPTION_OF_STAY, "no such prescription of this stay"),
        (Thing.ALLERGY_TO, "no allergy to this"),
        (Thing.BED_STATE, "no such closure, cleaning or reservation"),
    ],
)
def test_what_is_not_there_is_said_as_a_person_says_it(thing: Thing, expected: str) -> None:
    assert response_to(NotFound(thing, "Okafor", "mrn")).message == f"There is {expected}."


def test_what_is_there_already_is_said_as_a_person_says_it() -> None:
    known = response_to(AlreadyExists(Thing.PATIENT_WITH_MRN, "M1", "mrn")).message
    assert known == "There is already a patient with this MRN."
    assert response_to(AlreadyExists(Thing.ROOM, "1", "room")).message == (
        "There is already such a room."
    )


def test_an_error_that_is_not_ours_is_a_fault_of_the_program() -> None:
    response = response_to(KeyError("Okafor"))
    assert (response.code, response.exit_code) == ("INTERNAL", None)
    assert "Okafor" not in response.message


def test_a_primary_that_became_a_standby_is_away_and_no_fault() -> None:
    plain = ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction")
    for error in (plain, InternalError("INSERT", {}, plain)):
        response = response_to(error)
        assert (response.code, response.exit_code) == ("DATABASE_AWAY", ExitCode.NO_DATABASE)
