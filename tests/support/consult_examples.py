"""Examples of the mutations about consults."""

from tests.support.api_dsl import Ward, ago, late
from tests.support.api_example import Answer, example
from tests.support.correction_examples import WRONG


def consult(ward: Ward, stay: str | None = None, hours: float = 5) -> str:
    """Ask for a consult some hours ago; return its id."""
    asked = {"stayId": stay or ward.stay(), "specialty": "cardiology", **late(ago(hours=hours))}
    return str(ward.record("requestConsult", **asked)["consult"]["id"])


@example("ConsultRecorded")
def request_consult(ward: Ward) -> Answer:
    told = ward.execute(
        "requestConsult",
        stayId=ward.stay(),
        specialty="cardiology",
        practitioner=ward.doctor(),
        requestedBy=ward.doctor(),
        question="new murmur",
    )
    assert (told["consult"]["status"], told["consult"]["visit"]) == ("OPEN", None)
    assert told["consult"]["question"] == "new murmur"
    return told


@example("ConsultRecorded")
def correct_consult(ward: Ward) -> Answer:
    at = ago(hours=6)
    right = {"specialty": "neurology", "question": "seizure", "occurredAt": at, **WRONG}
    told = ward.execute("correctConsult", consultId=consult(ward), **right)
    assert (told["consult"]["specialty"], told["consult"]["requestedAt"]) == ("neurology", at)
    return told


@example("ConsultRecorded")
def cancel_consult(ward: Ward) -> Answer:
    told = ward.execute("cancelConsult", consultId=consult(ward), **WRONG)
    assert told["consult"] is None
    return told


@example("ConsultRecorded")
def withdraw_consult(ward: Ward) -> Answer:
    told = ward.execute("withdrawConsult", consultId=consult(ward))
    assert told["consult"]["status"] == "WITHDRAWN"
    return told


@example("ConsultRecorded")
def correct_consult_withdrawal(ward: Ward) -> Answer:
    id, at = consult(ward), ago(hours=2)
    ward.record("withdrawConsult", consultId=id)
    told = ward.execute("correctConsultWithdrawal", consultId=id, occurredAt=at, **WRONG)
    assert told["consult"]["withdrawnAt"] == at
    return told


@example("ConsultRecorded")
def cancel_consult_withdrawal(ward: Ward) -> Answer:
    id = consult(ward)
    ward.record("withdrawConsult", consultId=id)
    told = ward.execute("cancelConsultWithdrawal", consultId=id, **WRONG)
    assert told["consult"]["status"] == "OPEN"
    return told
