"""Nobody is told what their role, wards or a label keep from them, whatever they ask or give.

Every query, mutation, report and subscription of the schema is walked for every role, with all fields
that it may ask for and all arguments that the record can fill; a new field is covered by itself.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLObjectType

from api.graphql.schema import schema
from application.authorization.roles import Role, may
from infrastructure.postgres.database import Database
from tests.api.test_following_rights import following
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward
from tests.support.canaries import Planted, content, documents, item, plant, questions, values
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import rows
from tests.support.seeds import SEED
from tests.support.server_process import Served

pytestmark = pytest.mark.slow

MOST = int(os.environ.get("WARDBOOK_CRAWLED", "3"))
"""The questions and commands of each login; nightly all of them."""

TOO_MUCH = {"TOO_COSTLY"}

CLEARED = {"breakGlass"}
"""What opens data, with a reason and on the record."""

NO_VERSION = {"expectedVersion": -1}

ROOTS = schema._schema


@pytest.fixture
def planted(followed: Ward) -> Planted:
    return plant(followed)


def logins(planted: Planted) -> Iterator[tuple[Role, tuple[str, ...]]]:
    """Each role, of the whole house and of a ward, to whom something is closed."""
    for role in Role:
        for wards in ((), (planted.given["ward"][0],)):
            if planted.forbidden(role, wards):
                yield role, wards


def client(ward: Ward, role: Role, wards: tuple[str, ...]) -> GraphQLClient:
    return GraphQLClient(ward.client.http, LOGIN.make(role, f"crawling {role}", wards))


def some(lot: Random, all: Any, most: int = MOST) -> list[Any]:
    result = list(all)
    return lot.sample(result, min(most, len(result)))


def test_no_answer_and_no_error_tells_what_is_closed(followed: Ward, planted: Planted) -> None:
    root = ROOTS.query_type
    assert root is not None
    lot, answered_count = Random(SEED), 0
    for role, wards in logins(planted):
        asking, forbidden = client(followed, role, wards), planted.forbidden(role, wards)
        for name, given in some(lot, questions(planted, root)):
            for answer in ask(asking, root, role, name, given):
                finding = told_of(answer, forbidden, given)
                assert not finding, (SEED, role, wards, name, given, finding, answer)
                answered_count += "errors" not in answer
    assert answered_count  # some were answered


def ask(
    asking: GraphQLClient, root: GraphQLObjectType, role: Role, name: str, given: Any
) -> Iterator[dict[str, Any]]:
    """Yield the answers to a question with all fields of the role, as deep as the limits allow."""
    of = root.fields[name]
    types = " ".join(f"${a}: {of.args[a].type}" for a in given)
    arguments = ", ".join(f"{a}: ${a}" for a in given)
    deepest = len(documents(of.type, role, 4))
    for index in range(deepest):
        for depth in (5, 4, 3, 2, 1):
            selected = documents(of.type, role, depth)[index]
            head = f"query({types})" if given else "query"
            call = f"{name}({arguments})" if given else name
            answer = asking.raw(f"{head} {{ {call} {selected} }}", given)
            codes = {e["extensions"]["code"] for e in answer.get("errors", ())}
            assert "INTERNAL" not in codes, (SEED, name, given, answer)
            yield answer
            if not codes & TOO_MUCH:
                break


def test_no_subscription_tells_what_is_closed(
    running: Served, followed: Ward, planted: Planted
) -> None:
    root = ROOTS.subscription_type
    assert root is not None
    after = planted.given["position"][0]
    with ExitStack() as stack:
        open_sockets = []
        for role, wards in logins(planted):
            socket = stack.enter_context(following(running, role, *wards, who=f"crawling {role}"))
            for name, given in questions(planted, root):
                if may(role, snake(name)) and "kinds" not in given:
                    of = root.fields[name]
                    types = " ".join(f"${a}: {of.args[a].type}" for a in given)
                    call = ", ".join(f"{a}: ${a}" for a in given)
                    (selected,) = documents(of.type, role, 3)
                    head, call = (f"({types})", f"({call})") if given else ("", "")
                    socket.subscribe(f"subscription{head} {{ {name}{call} {selected} }}", **given)
            open_sockets.append((socket, role, wards))
        assert after
        for stay in planted.given["stayId"]:
            followed.record(
                "recordVisit",
                stayId=stay,
                kind="ROUND",
                practitioner=planted.given["staffNumber"][0],
            )
        for socket, role, wards in open_sockets:
            forbidden = planted.forbidden(role, wards)
            for message in drained(partial(socket.receive, 0.2)):
                assert not told_of(message, forbidden, planted.given["mrn"]), (role, message)


@pytest.mark.parametrize("is_taken", [False, True])
def test_no_refusal_and_no_payload_tells_what_is_closed(
    followed: Ward, planted: Planted, is_taken: bool
) -> None:
    """First refused commands, by a version that nothing has; then such as may change who is where."""
    root = ROOTS.mutation_type
    assert root is not None
    lot = Random(SEED)
    for role, wards in logins(planted):
        asking = client(followed, role, wards)
        forbidden = planted.forbidden(role, () if is_taken else wards)
        for name, given in some(lot, commands(planted, root)):
            sent = {**given, "commandId": str(uuid4())} | ({} if is_taken else NO_VERSION)
            answer = asking.http.post(
                "/commands",
                json={"commands": [{"mutation": name, "input": sent}]},
                headers=asking._headers,
            ).json()
            result = told_of(answer, forbidden, given)
            assert not result, (SEED, role, wards, name, given, result, answer)
            assert "INTERNAL" not in json.dumps(answer), (SEED, role, name, given, answer)


def commands(planted: Planted, root: GraphQLObjectType) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each mutation with each value of the record in each of its fields."""
    for name in root.fields.keys() - CLEARED:
        kind = item(root.fields[name].args["input"].type)
        base = content(planted, name, kind) | {"reason": "crawling"}
        base.pop("commandId")
        places: list[dict[str, Any]] = [{}]
        if {"ward", "room", "bed"} <= kind.fields.keys():
            places = planted.given["place"]
        for place in places:
            yield name, {**base, **place}
        for argument, of in kind.fields.items():
            if argument.endswith(("Mrn", "Id")) and argument != "commandId":
                for value in values(planted, name, argument, of.type):
                    yield name, {**base, **places[-1], argument: value}


def drained(receive: Any) -> Iterator[dict[str, Any]]:
    """Yield what was sent until now."""
    try:
        while True:
            yield receive()
    except TimeoutError:
        return


def told_of(answer: Any, forbidden: set[str], given: Any) -> set[str]:
    """Return the words that an answer tells and its question did not."""
    asked, result = json.dumps(given), json.dumps(answer)
    return {word for word in forbidden if word in result and word not in asked}


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


# -- what an answer tells of a patient is recorded as a reading --


def test_no_door_leads_past_the_record_of_reading(
    followed: Ward, planted: Planted, migrated: Database
) -> None:
    """Whatever words of a patient an answer tells: the patient is in the access log, by that reader."""
    lot, names_shown = Random(SEED), set()
    for root, is_given in ((ROOTS.query_type, False), (ROOTS.mutation_type, True)):
        assert root is not None
        asked = commands(planted, root) if is_given else questions(planted, root)
        candidates = each(asked)
        drawn = some(lot, candidates, 5 * MOST)
        # Few tell of patients at all: one of them by number and one stay by id are always asked.
        by_number = [("patient", {"mrn"}), ("stay", {"id"})]
        drawn += [a for a in candidates if (a[0], set(a[1])) in by_number and a not in drawn]
        for number, (name, given) in enumerate(drawn):
            reader = f"reader {is_given} {number}"
            asking = GraphQLClient(followed.client.http, LOGIN.make(Role.ADMIN, reader))
            if is_given:
                sent = {**given, "commandId": str(uuid4()), **NO_VERSION}
                body = {"commands": [{"mutation": name, "input": sent}]}
                post = asking.http.post("/commands", json=body, headers=asking._headers)
                answers = [post.json()]
            else:
                answers = list(ask(asking, root, Role.ADMIN, name, given))
            shown = {mrn for a in answers for mrn in planted.told_of(a, given)}
            assert shown <= read_by(migrated, reader), (SEED, name, given, answers)
            names_shown |= {name} if shown else set()
    assert names_shown, SEED  # some tell of patients


def test_no_subscription_leads_past_the_record_of_reading(
    running: Served, followed: Ward, planted: Planted, migrated: Database
) -> None:
    root = ROOTS.subscription_type
    assert root is not None
    result = set()
    with ExitStack() as stack:
        open_sockets = []
        for number, (name, given) in enumerate(each(questions(planted, root))):
            if "kinds" in given:
                continue
            of, reader = root.fields[name], f"follower {number}"
            types = "".join(f"${a}: {of.args[a].type} " for a in given)
            call = "".join(f"{a}: ${a} " for a in given)
            types, call = (f"({types})", f"({call})") if given else ("", "")
            (selected,) = documents(of.type, Role.ADMIN, 4)
            socket = stack.enter_context(following(running, Role.ADMIN, who=reader))
            socket.subscribe(f"subscription{types} {{ {name}{call} {selected} }}", **given)
            open_sockets.append((socket, reader, name, given))
        assert open_sockets
        for stay in planted.given["stayId"]:
            followed.record("changeSpecialty", stayId=stay, specialty=followed.name("s"))
        telling = set(root.fields) - {"houseTotalsChanged"}  # counts alone: it shows nobody
        for seconds in (1.0, 10.0):  # what is not pushed yet on a busy machine is waited for
            for socket, reader, name, given in open_sockets:
                if seconds > 1.0 and name in result:
                    continue
                messages = list(drained(partial(socket.receive, seconds)))
                shown = {mrn for m in messages for mrn in planted.told_of(m, given)}
                assert shown <= read_by(migrated, reader), (name, given, messages)
                result |= {name} if shown else set()
    assert result == telling


def each(found: Any) -> list[Any]:
    """Return the first of each name with each set of arguments."""
    firsts = {(name, *given): (name, dict(given)) for name, given in reversed(list(found))}
    return list(firsts.values())


def read_by(database: Database, subject: str) -> set[str]:
    """The MRNs of the patients whom the access log names for a reader."""
    return {
        mrn
        for (mrn,) in rows(
            database,
            "SELECT DISTINCT p.mrn FROM audit.accesses a JOIN patients_v4.patients p"
            f" ON p.patient = ANY(a.patients) WHERE a.subject = '{subject}'",
        )
    }
