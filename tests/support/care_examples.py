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
    told = ward.record("recordAllergy", patientMrn=mrn, **content)
    return {"patientMrn": mrn, "allergyId": told["allergy"]["id"]}


def ended(ward: Ward) -> dict[str, str]:
    """Record an allergy that ended two hours ago; return what names it."""
    named = allergy(ward)
    ward.record("endAllergy", **named, **late(ago(hours=2)))
    return named


@example("AllergyRecorded")
def record_allergy(ward: Ward) -> Answer:
    told = ward.execute(
        "recordAllergy",
        patientMrn=patient(ward),
        substance=PENICILLIN,
        kind="INTOLERANCE",
        severity="SEVERE",
        reaction="rash",
        verification="CONFIRMED",
    )
    assert told["allergy"]["substance"] == PENICILLIN
    assert (told["allergy"]["kind"], told["allergy"]["reaction"]) == ("INTOLERANCE", "rash")
    return told


@example("AllergyRecorded")
def correct_allergy(ward: Ward) -> Answer:
    at, right = ago(hours=3), {"severity": "MILD", **WRONG}
    told = ward.execute("correctAllergy", **allergy(ward), occurredAt=at, **right)
    assert (told["allergy"]["since"], told["allergy"]["severity"]) == (at, "MILD")
    return told


@example("AllergyRecorded")
def cancel_allergy(ward: Ward) -> Answer:
    told = ward.execute("cancelAllergy", **allergy(ward), **WRONG)
    assert told["allergy"] is None
    return told


@example("AllergyRecorded")
def end_allergy(ward: Ward) -> Answer:
    told = ward.execute("endAllergy", **allergy(ward))
    assert told["allergy"] is None
    return told


@example("AllergyRecorded")
def correct_allergy_end(ward: Ward) -> Answer:
    return ward.execute("correctAllergyEnd", **ended(ward), occurredAt=ago(hours=1), **WRONG)


@example("AllergyRecorded")
def cancel_allergy_end(ward: Ward) -> Answer:
    told = ward.execute("cancelAllergyEnd", **ended(ward), **WRONG)
    assert told["allergy"]["substance"] == PENICILLIN
    return told


# -- flags on the board --


def flag(ward: Ward, stay: str | None = None, hours: float = 5, **content: Any) -> dict[str, str]:
    """Raise a flag some hours ago; return what names it."""
    stay = stay or ward.stay(f"{ward.room('a')}/a")
    content = {"flagKind": "FALL_RISK", **content, **late(ago(hours=hours))}
    told = ward.record("raiseFlag", stayId=stay, **content)
    return {"stayId": stay, "flagId": told["flag"]["id"]}


def lowered(ward: Ward) -> dict[str, str]:
    """Raise a flag that was lowered two hours ago; return what names it."""
    named = flag(ward)
    ward.record("lowerFlag", **named, **late(ago(hours=2)))
    return named


@example("FlagRecorded")
def raise_flag(ward: Ward) -> Answer:
    stay = ward.stay(f"{ward.room('a')}/a")
    told = ward.execute("raiseFlag", stayId=stay, flagKind="isolation", note="MRSA")
    assert (told["flag"]["kind"], told["flag"]["note"]) == ("ISOLATION", "MRSA")
    return told


@example("FlagRecorded")
def correct_flag(ward: Ward) -> Answer:
    at = ago(hours=3)
    right = {"flagKind": "NOTE", "note": "deaf", **WRONG}
    told = ward.execute("correctFlag", **flag(ward), occurredAt=at, **right)
    assert (told["flag"]["kind"], told["flag"]["note"], told["flag"]["since"]) == (
        "NOTE",
        "deaf",
        at,
    )
    return told


@example("FlagRecorded")
def cancel_flag(ward: Ward) -> Answer:
    told = ward.execute("cancelFlag", **flag(ward), **WRONG)
    assert told["flag"] is None
    return told


@example("FlagRecorded")
def lower_flag(ward: Ward) -> Answer:
    told = ward.execute("lowerFlag", **flag(ward))
    assert told["flag"] is None
    return told


@example("FlagRecorded")
def correct_flag_lowering(ward: Ward) -> Answer:
    return ward.execute("correctFlagLowering", **lowered(ward), occurredAt=ago(hours=1), **WRONG)


@example("FlagRecorded")
def cancel_flag_lowering(ward: Ward) -> Answer:
    told = ward.execute("cancelFlagLowering", **lowered(ward), **WRONG)
    assert told["flag"]["kind"] == "FALL_RISK"
    return told
