"""Labels with a valid time: a query and a command agree with a plain model, at any plan."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.authorization.roles import Role
from tests.api.test_scope import login
from tests.support.api_dsl import Ward, codes

LABELS = ("NORMAL", "RESTRICTED", "VERY_RESTRICTED")
TODAY = datetime.now(UTC).date()

plans = st.lists(
    st.tuples(st.integers(-40, 400).filter(lambda day: abs(day) > 1), st.sampled_from(LABELS)),
    max_size=4,
    unique_by=lambda plan: plan[0],
)


def is_closed(first: str, plan: list[tuple[int, str]]) -> bool:
    """Return whether any label that holds now or later closes the patient to a nurse."""
    past = [label for day, label in sorted(plan) if day < 0]
    held = [past[-1] if past else first, *(label for day, label in plan if day > 0)]
    return any(label != "NORMAL" for label in held)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.sampled_from(LABELS), plan=plans, merged=st.booleans())
def test_the_strictest_of_the_labels_now_and_to_come_closes(
    shared: Ward, first: str, plan: list[tuple[int, str]], merged: bool
) -> None:
    mrn = asked = shared.patient(confidentiality=first, birthDate="1970-01-01")
    for day, label in plan:
        since = (TODAY + timedelta(days=day)).isoformat()
        shared.record(
            "correctPatientDetails",
            patientMrn=mrn,
            confidentiality=label,
            validFrom=since,
            reason="as the court has it",
        )
    if merged:
        asked = shared.patient(birthDate="1970-01-01")
        shared.record("mergePatients", patientMrn=mrn, intoMrn=asked, reason="recognised")
    nurse = login(shared, Role.NURSE)
    shown = nurse.raw("query($m: String!) { patient(mrn: $m) { mrn } }", {"m": asked})
    acted = Ward(nurse).execute(
        "admitPatient", patientMrn=asked, admissionType="EMERGENCY", withoutBed="corridor"
    )
    closed = is_closed(first, plan)
    assert ("errors" in shown and codes(shown) == {"NOT_ALLOWED"}) is closed
    assert (acted["__typename"] == "NotAllowed") is closed
