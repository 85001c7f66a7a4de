"""Mistakes of other systems about merges that wait for a number: see `test_covered`."""

from pathlib import Path

from api.hl7.door import PENDING, Door
from tests.hl7.test_inbound import SENDERS, adt
from tests.hl7.test_triggers import answer
from tests.support.api_dsl import Ward


def test_mistake_503_a_merge_that_is_pending_makes_the_merges_of_its_person_a_fault(
    shared: Ward, tmp_path: Path
) -> None:
    mrn = shared.patient(familyName="Every")
    door = Door(shared.client.http.app_state["container"].hospital, SENDERS, tmp_path)
    message = adt("A40", shared.name("C"), f"MRG|{shared.name('unknown')}^^^HOSP^MR")
    assert answer(door, message.replace(b"4711", mrn.encode())) == f"AA|{PENDING.text}"
    query = """query($m: String) {
      patient(mrn: $m) { merges { id } } timeline(mrn: $m) { nodes { status } } }"""
    reply = shared.ask(query, m=mrn)
    assert reply["patient"]["merges"] == []
    assert "PENDING" in str(reply["timeline"])
