"""FHIR tells nobody what GraphQL keeps from them, and nothing of a patient without an entry.

All that FHIR declares is walked for every role, with all that the record can fill.
"""

from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from api.fhir.parameters import Kind
from api.fhir.registry import COMPARTMENT, RESOURCES, reverse_includes
from api.fhir.resource import Resource
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from tests.api.test_crawler import MOST, logins, read_by, some, told_of
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago
from tests.support.canaries import Planted, plant
from tests.support.hospital_dsl import rows
from tests.support.seeds import SEED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def planted(followed: Ward) -> Planted:
    return plant(followed)


def addresses(planted: Planted) -> Iterator[str]:
    """Yield every interaction that is declared, with each value of the record."""
    ids = planted.given["id"]
    for resource in RESOURCES.values():
        for id in ids:
            yield f"{resource.type}/{id}"
            yield f"{resource.type}/{id}?{urlencode({'asOf': ago(hours=30)})}"
            if resource.has_versions:
                yield f"{resource.type}/{id}/_history"
        yield from searches(planted, resource, ids)
    for id in ids:
        yield f"Patient/{id}/$everything"
        for type in COMPARTMENT:
            yield f"Patient/{id}/$everything?_type={type}"


def searches(planted: Planted, resource: Resource, ids: list[str]) -> Iterator[str]:
    yield resource.type
    included = [("_include", f"{resource.type}:{name}") for name in resource.includes]
    included += [("_revinclude", ":".join(pair)) for pair in reverse_includes(resource.type)]
    for name, parameter in resource.searched_by.items():
        if parameter.kind is Kind.REFERENCE or name == "_id":
            values = ids
        elif parameter.kind is Kind.DATE:
            values = ["gt2000"]
        elif parameter.kind is Kind.STRING:
            values = planted.given["search"]
        else:
            values = planted.given["mrn"]
        for value in values:
            fields = {name: value}
            yield f"{resource.type}?{urlencode(fields)}"
            yield f"{resource.type}?{urlencode({**fields, '_summary': 'count'})}"
            yield f"{resource.type}?{urlencode([*fields.items(), *included])}"


def answer(ward: Ward, address: str, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    response = ward.client.http.get(f"/fhir/{address}", headers=headers)
    assert response.status_code < 500, (SEED, address, response.text)
    return response.json()


def test_no_role_is_told_through_fhir_what_is_closed(followed: Ward, planted: Planted) -> None:
    lot, answered_count = Random(SEED), 0
    for role, wards in logins(planted):
        token = LOGIN.make(role, f"crawling {role}", wards)
        forbidden = planted.forbidden(role, wards)
        for address in some(lot, addresses(planted), 4 * MOST):
            body = answer(followed, address, token)
            finding = told_of(body, forbidden, address)
            assert not finding, (SEED, role, wards, address, finding, body)
            answered_count += body["resourceType"] != "OperationOutcome"
    assert answered_count  # some were answered


def test_fhir_leads_not_past_the_record_of_reading(
    followed: Ward, planted: Planted, migrated: Database
) -> None:
    """Whatever words of a patient an answer tells: the patient is in the access log, by that reader."""
    result = set()
    walked = ["Encounter", *some(Random(SEED), addresses(planted), 20 * MOST)]
    for number, address in enumerate(walked):
        reader = f"reader of fhir {number}"
        body = answer(followed, address, LOGIN.make(Role.ADMIN, reader))
        shown = planted.told_of(body, address)
        assert shown <= read_by(migrated, reader), (SEED, address, body)
        result |= shown
    assert result, SEED  # some tell of patients


def test_each_refusal_through_fhir_leaves_an_entry(
    followed: Ward, planted: Planted, migrated: Database
) -> None:
    refusals = 0
    walked = ["AuditEvent", *some(Random(SEED), addresses(planted), 4 * MOST)]
    for role, wards in logins(planted):
        for number, address in enumerate(walked):
            reader = f"refused {role} {len(wards)} {number}"
            body = answer(followed, address, LOGIN.make(role, reader, wards))
            if body.get("issue", [{}])[0].get("code") == "forbidden":
                result = rows(
                    migrated,
                    f"SELECT outcome, operation FROM audit.accesses WHERE subject = '{reader}'",
                )
                type = address.split("?")[0].split("/")[0]
                assert ("refused", f"fhir {type}") in result, (SEED, role, wards, address, body)
                refusals += 1
    assert refusals
