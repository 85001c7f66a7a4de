"""Random erasures of persons in a busy little hospital: two logins, and what forbids it."""

from collections.abc import Callable
from random import Random
from typing import Any

from application.command import Recorded
from domain.envelope import Actor
from domain.erasure import LegalBasis

WEIGHTS = {
    "place_legal_hold": 0.5,
    "lift_legal_hold": 0.5,
    "request_erasure": 0.5,
    "withdraw_erasure": 0.3,
    "erase_patient": 0.5,
}

EVE = Actor(issuer="test", subject="eve", role="privacy_officer")
WHY = "as the person asked"


class Erasing:
    """The part of `Busy` that erases. Those whom it erases are named no more."""

    _lot: Random
    _mrns: list[str]
    _give: Callable[..., Recorded | None]
    _register_patient: Callable[[], None]

    def _place_legal_hold(self) -> None:
        self._give("place_legal_hold", WHY, patient_mrn=self._lot.choice(self._mrns))

    def _lift_legal_hold(self) -> None:
        mrn = self._lot.choice(self._mrns)
        self._give("place_legal_hold", WHY, patient_mrn=mrn)
        self._give("lift_legal_hold", WHY, patient_mrn=mrn)

    def _request_erasure(self) -> None:
        self._ask(self._lot.choice(self._mrns))

    def _withdraw_erasure(self) -> None:
        mrn = self._lot.choice(self._mrns)
        self._ask(mrn)
        self._give("withdraw_erasure", WHY, patient_mrn=mrn)

    def _erase_patient(self) -> None:
        """Erase somebody, or at the latest somebody who was never here."""
        mrn = self._lot.choice(self._mrns)
        if self._ask(mrn) is None:
            self._register_patient()
            mrn = self._mrns[-1]
            self._ask(mrn)
        if self._give("erase_patient", patient_mrn=mrn, by=EVE) is not None:
            self._mrns = [known for known in self._mrns if known != mrn]

    def _ask(self, mrn: str) -> Any:
        basis = self._lot.choice(list(LegalBasis))
        return self._give("request_erasure", WHY, patient_mrn=mrn, legal_basis=basis)
