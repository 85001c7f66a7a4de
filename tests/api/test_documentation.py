"""The page that is made of the schema."""

import re
from html import unescape

from api.http.documentation import page
from tests.api.test_schema import described
from tests.support.api_dsl import Ward


def test_the_page_says_what_the_schema_says() -> None:
    said = unescape(page())
    for place, thing in described():
        assert (thing.description or "") in said, place


def test_what_a_link_leads_to_is_there_once() -> None:
    ids = re.findall(r'id="([^"]+)"', page())
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page())) <= set(ids)


def test_it_says_which_roles_may_ask() -> None:
    def roles(of: str) -> str:
        return page().partition(f'id="{of}"')[2].partition("<p class=roles>")[2].partition("<")[0]

    assert roles("Query.accesses") == "auditor, privacy_officer, admin"
    assert "nurse" in roles("Mutation.transferPatient")
    assert "analyst" not in roles("Mutation.transferPatient")
    assert "analyst" not in roles("Patient.familyName")
    assert ">nobody<" not in page()


def test_it_is_served_without_a_script_and_asks_no_other_server(shared: Ward) -> None:
    response = shared.client.http.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.text == page()
    assert "<script" not in response.text
    assert "http" not in response.text
    assert 'href="docs"' in shared.client.http.get("/").text
