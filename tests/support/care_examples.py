"""Examples of the mutations about allergies, and about the flags on the board."""

from typing import Any

from tests.support.api_dsl import Ward, ago, late
from tests.support.api_example import Answer, example
from tests.support.correction_examples import WRONG

PENICILLIN = {"name": "Penicillin", "code": "J01C", "system": "ATC"}


def patient(ward: Ward) -> str:
    """Return the MRN of a patient who lies in a bed."""
    mrn = ward.patient()
    ward.stay(f"{ward.room('a')}/a", patientMrn=mrn)
    return mrn


def allergy(ward: Ward, mrn: str | None = None, hours: float = 5, **content: Any) -> dict[str, str]:
    """Record an allergy of some hours ago; return what names it."""
    mrn = mrn or patient(ward)
    content = {"substance": PENICILLIN, **content, **late(ago(hours=hours))}
    answer = ward.record("recordAllergy", patientMrn=mrn, **content)
    return {"patientMrn": mrn, "allergyId": answer["allergy"]["id"]}


def ended(ward: Ward) -> dict[str, str]:
    """Record an allergy that ended two hours ago; return what names it."""
    named = allergy(ward)
    ward.record("endAllergy", **named, **late(ago(hours=2)))
    return named


@example("AllergyRecorded")
def record_allergy(ward: Ward) -> Answer:
    answer = ward.execute(
        "recordAllergy",
        patientMrn=patient(ward),
        substance=PENICILLIN,
        kind="INTOLERANCE",
        severity="SEVERE",
        reaction="rash",
        verification="CONFIRMED",
    )
    assert answer["allergy"]["substance"] == PENICILLIN
    assert (answer["allergy"]["kind"], answer["allergy"]["reaction"]) == ("INTOLERANCE", "rash")
    return answer


@example("AllergyRecorded")
def correct_allergy(ward: Ward) -> Answer:
    at, right = ago(hours=3), {"severity": "MILD", **WRONG}
    answer = ward.execute("correctAllergy", **allergy(ward), occurredAt=at, **right)
    assert (answer["allergy"]["since"], answer["allergy"]["severity"]) == (at, "MILD")
    return answer


@example("AllergyRecorded")
def cancel_allergy(ward: Ward) -> Answer:
    answer = ward.execute("cancelAllergy", **allergy(ward), **WRONG)
    assert answer["allergy"] is None
    return answer


@example("AllergyRecorded")
def end_allergy(ward: Ward) -> Answer:
    answer = ward.execute("endAllergy", **allergy(ward))
    assert answer["allergy"] is None
    return answer


@example("AllergyRecorded")
def correct_allergy_end(ward: Ward) -> Answer:
    return ward.execute("correctAllergyEnd", **ended(ward), occurredAt=ago(hours=1), **WRONG)


@example("AllergyRecorded")
def cancel_allergy_end(ward: Ward) -> Answer:
    answer = ward.execute("cancelAllergyEnd", **ended(ward), **WRONG)
    assert answer["allergy"]["substance"] == PENICILLIN
    return answer


# -- flags on the board --


def flag(ward: Ward, stay: str | None = None, hours: float = 5, **content: Any) -> dict[str, str]:
    """Raise a flag some hours ago; return what names it."""
    stay = stay or ward.stay(f"{ward.room('a')}/a")
    content = {"flagKind": "FALL_RISK", **content, **late(ago(hours=hours))}
    answer = ward.record("raiseFlag", stayId=stay, **content)
    return {"stayId": stay, "flagId": answer["flag"]["id"]}


def lowered(ward: Ward) -> dict[str, str]:
    """Raise a flag that was lowered two hours ago; return what names it."""
    named = flag(ward)
    ward.record("lowerFlag", **named, **late(ago(hours=2)))
    return named


@example("FlagRecorded")
def raise_flag(ward: Ward) -> Answer:
    stay = ward.stay(f"{ward.room('a')}/a")
    answer = ward.execute("raiseFlag", stayId=stay, flagKind="isolation", note="MRSA")
    assert (answer["flag"]["kind"], answer["flag"]["note"]) == ("ISOLATION", "MRSA")
    return answer


@example("FlagRecorded")
def correct_flag(ward: Ward) -> Answer:
    at = ago(hours=3)
    right = {"flagKind": "NOTE", "note": "deaf", **WRONG}
    answer = ward.execute("correctFlag", **flag(ward), occurredAt=at, **right)
    assert (answer["flag"]["kind"], answer["flag"]["note"], answer["flag"]["since"]) == (
        "NOTE",
        "deaf",
        at,
    )
    return answer


@example("FlagRecorded")
def cancel_flag(ward: Ward) -> Answer:
    answer = ward.execute("cancelFlag", **flag(ward), **WRONG)
    assert answer["flag"] is None
    return answer


@example("FlagRecorded")
def lower_flag(ward: Ward) -> Answer:
    answer = ward.execute("lowerFlag", **flag(ward))
    assert answer["flag"] is None
    return answer


@example("FlagRecorded")
def correct_flag_lowering(ward: Ward) -> Answer:
    return ward.execute("correctFlagLowering", **lowered(ward), occurredAt=ago(hours=1), **WRONG)


@example("FlagRecorded")
def cancel_flag_lowering(ward: Ward) -> Answer:
    answer = ward.execute("cancelFlagLowering", **lowered(ward), **WRONG)
    assert answer["flag"]["kind"] == "FALL_RISK"
    return answer
