"""Examples of the mutations about the erasure of persons: `tests.api.test_mutations` runs them."""

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward
from tests.support.api_example import Answer, example
from tests.support.graphql_client import GraphQLClient

WHY = {"reason": "as the person asked"}


def request(ward: Ward, mrn: str) -> None:
    """Request an erasure by another login, which the ward's may approve."""
    token = LOGIN.make(subject="officer", role=Role.PRIVACY_OFFICER)
    officer = GraphQLClient(ward.client.http, token)
    officer.record("requestErasure", patientMrn=mrn, legalBasis="OBJECTION", **WHY)


@example("PatientRecorded")
def place_legal_hold(ward: Ward) -> Answer:
    return ward.execute("placeLegalHold", patientMrn=ward.patient(), reason="a lawsuit")


@example("PatientRecorded")
def lift_legal_hold(ward: Ward) -> Answer:
    mrn = ward.patient()
    ward.record("placeLegalHold", patientMrn=mrn, reason="a lawsuit")
    return ward.execute("liftLegalHold", patientMrn=mrn, reason="settled")


@example("PatientRecorded")
def request_erasure(ward: Ward) -> Answer:
    basis = "CONSENT_WITHDRAWN"
    return ward.execute("requestErasure", patientMrn=ward.patient(), legalBasis=basis, **WHY)


@example("PatientRecorded")
def withdraw_erasure(ward: Ward) -> Answer:
    mrn = ward.patient()
    request(ward, mrn)
    return ward.execute("withdrawErasure", patientMrn=mrn)


@example("PatientRecorded")
def erase_patient(ward: Ward) -> Answer:
    mrn = ward.patient()
    request(ward, mrn)
    answer = ward.execute("erasePatient", patientMrn=mrn)
    assert answer["patient"]["mrn"] == "REDACTED"
    return answer
