"""Mistakes of other systems about keys that are away, and keys that are gone: see `test_covered`."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from infrastructure.sealing.key_ring import key_ring
from tests.mistakes.test_erasure import QUESTIONS, Person, erase, officer, read
from tests.support.api_dsl import Ward, codes
from tests.support.graphql_client import GraphQLClient

__all__ = ["officer"]


@contextmanager
def keys_away() -> Iterator[None]:
    """Lose the key store of the log: another one is in its place."""
    ring = key_ring()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ring, "_bound", "a store that is lost")
        yield


def test_mistake_213_what_cannot_be_opened_for_a_while_is_not_said_to_be_erased(
    ward: Ward, officer: GraphQLClient
) -> None:
    person, erased = Person(ward), Person(ward)
    erase(ward, officer, erased.mrn)
    before = read(ward, person)
    ids = {"stay": person.stay, "patient": person.id}
    with keys_away():
        told = ward.client.raw(QUESTIONS["events"], ids)
        assert codes(told) == {"KEYS_MISSING"}
        assert "REDACTED" not in str(told)
        assert person.sign in str(ward.ask(QUESTIONS["stay"], **ids)), "read models need no key"
        boards = ward.ask("{ roomOccupancy { room { number } } }")
        assert boards["roomOccupancy"]
        for refused in (
            {"correctPatientDetails": {"patientMrn": person.mrn, "familyName": "New"}},
            {"registerPatient": {"mrn": ward.name("M"), "familyName": "Somebody"}},
        ):
            ((name, content),) = refused.items()
            answer = ward.client.raw(
                f"mutation($i: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $i)"
                " { __typename } }",
                {"i": {"commandId": str(uuid4()), **content, "reason": "why"}},
            )
            assert codes(answer) == {"KEYS_MISSING"}, answer
        status = ward.client.http.get("/readyz").json()
        assert "another key store" in status["keys"]
    assert read(ward, person) == before
    assert erased.sign not in read(ward, erased)
    assert "keys" not in ward.client.http.get("/readyz").json()
