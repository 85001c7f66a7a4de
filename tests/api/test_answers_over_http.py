"""Tests of HTTP caching: who may keep an answer, and how it is asked whether it still holds."""

from typing import Any

import psycopg
from starlette.testclient import TestClient

from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward
from tests.support.hospital_dsl import rows

BOARD = '{ roomOccupancy(ward: "H") { beds { code patient { mrn } } } }'


def get(ward: Ward, token: str, **headers: str) -> Any:
    http: TestClient = ward.client.http
    login = {"Authorization": f"Bearer {token}", **headers}
    return http.get("/graphql", params={"query": BOARD}, headers=login)


def test_what_holds_still_is_not_sent_again_and_is_recorded_all_the_same(
    shared: Ward, migrated: Database
) -> None:
    nurse = LOGIN.make(Role.NURSE, "who asks again", ["H"])
    shared.stay(f"{shared.room('a', 'b', ward='H')}/a")
    get(shared, nurse)
    first = get(shared, nurse)
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["vary"] == "Authorization, Accept"
    tag = first.headers["etag"]

    again = get(shared, nurse, **{"If-None-Match": f'"another", W/{tag}'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    read = rows(migrated, "SELECT patients FROM audit.accesses WHERE subject = 'who asks again'")
    assert len(read) == 3
    assert read[0] == read[1] == read[2]
    shared.room("a", ward="H")
    changed = get(shared, nurse, **{"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_tag_helps_nobody_who_may_not_see_what_it_stands_for(shared: Ward) -> None:
    nurse = LOGIN.make(Role.NURSE, "of the ward", ["H"])
    shared.stay(f"{shared.room('a', ward='H')}/a")
    get(shared, nurse)
    tag = {"If-None-Match": get(shared, nurse).headers["etag"]}
    elsewhere = get(shared, LOGIN.make(Role.NURSE, "of another", ["I"]), **tag)
    assert elsewhere.json()["data"]["roomOccupancy"] == []
    assert get(shared, LOGIN.make(Role.ANALYST, "of no names"), **tag).json()["errors"]
    assert get(shared, "no token", **tag).status_code == 401


def test_each_media_type_has_a_tag_of_its_own(shared: Ward) -> None:
    nurse = LOGIN.make(Role.NURSE, "of two clients")
    get(shared, nurse)
    tags = {
        get(shared, nurse, Accept=kind).headers["etag"]
        for kind in ("application/json", "application/graphql-response+json")
    }
    assert len(tags) == 2


def test_what_is_posted_is_kept_by_nobody_else(shared: Ward) -> None:
    login = {"Authorization": f"Bearer {LOGIN.make()}"}
    for query in (BOARD, BOARD, "mutation { finishCleaning(input: {}) { __typename } }"):
        response = shared.client.http.post("/graphql", json={"query": query}, headers=login)
        assert response.headers["cache-control"] == "no-store"
        assert "etag" not in response.headers


def test_an_answer_that_is_kept_is_withheld_if_its_reading_cannot_be_recorded(
    shared: Ward, migrated: Database
) -> None:
    nurse = LOGIN.make(Role.NURSE, "unrecorded", ["H"])
    shared.stay(f"{shared.room('a', ward='H')}/a")
    get(shared, nurse)
    assert "etag" in get(shared, nurse).headers
    with psycopg.connect(migrated.owner_url, autocommit=True) as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION audit.record FROM wardbook_app")
        response = get(shared, nurse)
        owner.execute("GRANT EXECUTE ON FUNCTION audit.record TO wardbook_app")
    assert response.json()["data"] is None
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "etag" not in response.headers
    assert get(shared, nurse).json()["data"]
