"""Random commands about consults, and about what a house has decided for its beds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from application.command import Recorded
from domain.allergies import Substance
from domain.expected_arrival import Urgency

WRONG = "of another patient"


class Caring:
    """The part of `Busy` that asks other specialties."""

    _give: Callable[..., Recorded | None]
    _stay: Callable[[], UUID]
    now: datetime
    _one: Callable[[list[Any]], Any]
    _mrns: list[str]
    _empty_room: Callable[..., dict[str, str]]

    def _request_consult(self) -> dict[str, Any]:
        """Ask for a consult; return what names it."""
        answer = self._give("request_consult", stay_id=self._stay(), specialty="cardiology")
        return {"consult_id": answer.entry.id_of("consult") if answer else UUID(int=0)}

    def _withdraw_consult(self) -> dict[str, Any]:
        consult = self._request_consult()
        self._give("withdraw_consult", **consult)
        return consult

    def _correct_consult(self) -> None:
        self._give("correct_consult", WRONG, question="how long?", **self._request_consult())

    def _cancel_consult(self) -> None:
        self._give("cancel_consult", WRONG, **self._request_consult())

    def _correct_consult_withdrawal(self) -> None:
        self._give("correct_consult_withdrawal", WRONG, **self._withdraw_consult())

    def _cancel_consult_withdrawal(self) -> None:
        self._give("cancel_consult_withdrawal", WRONG, **self._withdraw_consult())

    def _plan_admission(self) -> dict[str, Any]:
        """Plan an admission; return what names it."""
        answer = self._give(
            "plan_admission",
            expected_at=self.now + timedelta(hours=5),
            family_name="Expected",
            ward=self._empty_room()["ward"],
        )
        return {"expected_arrival_id": answer.entry.id_of("arrival") if answer else UUID(int=0)}

    def _request_bed(self) -> None:
        ward = self._empty_room()["ward"]
        self._give("request_bed", stay_id=self._stay(), ward=ward, urgency=Urgency.URGENT)

    def _correct_expected_arrival(self) -> None:
        right = {"isolation": True, **self._plan_admission()}
        self._give("correct_expected_arrival", WRONG, **right)

    def _cancel_expected_arrival(self) -> None:
        self._give("cancel_expected_arrival", **self._plan_admission())

    def _record_allergy(self) -> dict[str, Any]:
        """Record an allergy; return what names it."""
        fields = {"patient_mrn": self._one(self._mrns)}
        answer = self._give("record_allergy", substance=Substance(name="Latex"), **fields)
        return {**fields, "allergy_id": answer.entry.id_of("allergy") if answer else UUID(int=0)}

    def _end_allergy(self) -> dict[str, Any]:
        named = self._record_allergy()
        self._give("end_allergy", **named)
        return named

    def _correct_allergy(self) -> None:
        self._give("correct_allergy", WRONG, reaction="rash", **self._record_allergy())

    def _cancel_allergy(self) -> None:
        self._give("cancel_allergy", WRONG, **self._record_allergy())

    def _correct_allergy_end(self) -> None:
        self._give("correct_allergy_end", WRONG, **self._end_allergy())

    def _cancel_allergy_end(self) -> None:
        self._give("cancel_allergy_end", WRONG, **self._end_allergy())

    def _raise_flag(self) -> dict[str, Any]:
        """Raise a flag; return what names it."""
        fields = {"stay_id": self._stay()}
        answer = self._give("raise_flag", flag_kind="NOTE", note="deaf", **fields)
        return {**fields, "flag_id": answer.entry.id_of("flag") if answer else UUID(int=0)}

    def _lower_flag(self) -> dict[str, Any]:
        named = self._raise_flag()
        self._give("lower_flag", **named)
        return named

    def _correct_flag(self) -> None:
        self._give("correct_flag", WRONG, note="blind", **self._raise_flag())

    def _cancel_flag(self) -> None:
        self._give("cancel_flag", WRONG, **self._raise_flag())

    def _correct_flag_lowering(self) -> None:
        self._give("correct_flag_lowering", WRONG, **self._lower_flag())

    def _cancel_flag_lowering(self) -> None:
        self._give("cancel_flag_lowering", WRONG, **self._lower_flag())

    def _set_bed_cleaning(self) -> None:
        for _ in range(5):
            self._give("set_bed_cleaning", applies=True, ward=self._empty_room()["ward"])
