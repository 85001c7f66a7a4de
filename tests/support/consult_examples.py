"""Examples of the mutations about consults."""

from tests.support.api_dsl import Ward, ago, late
from tests.support.api_example import Answer, example
from tests.support.correction_examples import WRONG


def consult(ward: Ward, stay: str | None = None, hours: float = 5) -> str:
    """Ask for a consult some hours ago; return its id."""
    fields = {"stayId": stay or ward.stay(), "specialty": "cardiology", **late(ago(hours=hours))}
    return str(ward.record("requestConsult", **fields)["consult"]["id"])


@example("ConsultRecorded")
def request_consult(ward: Ward) -> Answer:
    answer = ward.execute(
        "requestConsult",
        stayId=ward.stay(),
        specialty="cardiology",
        practitioner=ward.doctor(),
        requestedBy=ward.doctor(),
        question="new murmur",
    )
    assert (answer["consult"]["status"], answer["consult"]["visit"]) == ("OPEN", None)
    assert answer["consult"]["question"] == "new murmur"
    return answer


@example("ConsultRecorded")
def correct_consult(ward: Ward) -> Answer:
    at = ago(hours=6)
    right = {"specialty": "neurology", "question": "seizure", "occurredAt": at, **WRONG}
    answer = ward.execute("correctConsult", consultId=consult(ward), **right)
    assert (answer["consult"]["specialty"], answer["consult"]["requestedAt"]) == ("neurology", at)
    return answer


@example("ConsultRecorded")
def cancel_consult(ward: Ward) -> Answer:
    answer = ward.execute("cancelConsult", consultId=consult(ward), **WRONG)
    assert answer["consult"] is None
    return answer


@example("ConsultRecorded")
def withdraw_consult(ward: Ward) -> Answer:
    answer = ward.execute("withdrawConsult", consultId=consult(ward))
    assert answer["consult"]["status"] == "WITHDRAWN"
    return answer


@example("ConsultRecorded")
def correct_consult_withdrawal(ward: Ward) -> Answer:
    id, at = consult(ward), ago(hours=2)
    ward.record("withdrawConsult", consultId=id)
    answer = ward.execute("correctConsultWithdrawal", consultId=id, occurredAt=at, **WRONG)
    assert answer["consult"]["withdrawnAt"] == at
    return answer


@example("ConsultRecorded")
def cancel_consult_withdrawal(ward: Ward) -> Answer:
    id = consult(ward)
    ward.record("withdrawConsult", consultId=id)
    answer = ward.execute("cancelConsultWithdrawal", consultId=id, **WRONG)
    assert answer["consult"]["status"] == "OPEN"
    return answer
