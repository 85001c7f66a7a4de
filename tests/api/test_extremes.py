"""No accepted command parks a read model: extremes of every field, then live and rebuilt tables.

Nor is any argument of a question, of fields below a query too, a fault of the server's.
"""

import json
import os
from random import Random

import pytest

from infrastructure.postgres.database import Database
from infrastructure.projections.rebuild import rebuild
from infrastructure.read_models import READ_MODELS
from tests.api.test_mutations import mutations
from tests.support.api_dsl import Ward
from tests.support.canaries import Planted, plant
from tests.support.extreme_arguments import arguments, asked
from tests.support.extremes import inputs, send_extremes
from tests.support.seeds import SEED

MOST = int(os.environ.get("WARDBOOK_EXTREMES", "2"))
"""The extremes of each mutation that are sent; nightly all of them."""


@pytest.mark.parametrize("mutation", mutations())
def test_an_extreme_is_taken_or_refused_and_never_a_fault(shared: Ward, mutation: str) -> None:
    sent = send_extremes(shared, mutation, Random(SEED), MOST)
    assert sent.answers, SEED
    for path, value, answer in sent.answers:
        said = (SEED, path, value, answer)
        codes = {e["extensions"]["code"] for e in answer.get("errors", ())}
        assert codes <= {"BAD_REQUEST"}, said
        if codes:
            continue
        result = answer["data"]["r"]
        assert result["__typename"] not in ("Parked", "RecordedNotYetReadable"), said
        if "path" in result:
            assert result["message"], said


def test_the_extremes_are_of_every_field_of_every_mutation() -> None:
    for mutation in mutations():
        assert {path[0] for path, _ in inputs(mutation)} >= {"occurredAt", "reason"}


def test_live_tables_are_what_a_rebuild_makes_of_the_extremes(
    shared: Ward, migrated: Database
) -> None:
    parked = shared.ask("{ projections { name parkedCommands { operation error } } }")
    assert [p for p in parked["projections"] if p["parkedCommands"]] == []
    rebuilt = rebuild(migrated, READ_MODELS, lambda done, total: None)
    assert {name: r.different for name, r in rebuilt.items() if r.different} == {}, SEED


@pytest.fixture(scope="module")
def planted(shared: Ward) -> Planted:
    return plant(shared)


CLEAR = {"BAD_REQUEST", "TOO_LARGE", "TOO_COSTLY", "NotFound", "InvalidInput"}
"""The codes by which a question with an extreme argument is refused."""


@pytest.mark.slow
@pytest.mark.parametrize(("field", "argument"), arguments())
def test_an_extreme_argument_is_answered_or_refused_with_a_clear_error(
    shared: Ward, planted: Planted, field: str, argument: str
) -> None:
    questions = list(asked(planted, field, argument))
    for text, variables in Random(SEED).sample(questions, min(MOST, len(questions))):
        # as JSON of ASCII: an unpaired surrogate is none in UTF-8
        body = json.dumps({"query": text, "variables": variables}).encode()
        headers = {**shared.client._headers, "Content-Type": "application/json"}
        response = shared.client.http.post("/graphql", content=body, headers=headers)
        answer = response.json()
        codes = {e["extensions"]["code"] for e in answer.get("errors", ())}
        assert response.status_code < 500, (SEED, text, variables, answer)
        assert codes <= CLEAR, (SEED, text, variables, answer)
        assert all(error["message"] for error in answer.get("errors", ()))
