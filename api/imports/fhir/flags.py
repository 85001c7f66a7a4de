"""Flags of the files."""

from collections.abc import Callable

from api.fhir.flag import KINDS
from api.imports.account import Ledger
from api.imports.fhir.resources import Resource, When
from api.imports.fhir.rules import Rule
from api.imports.fhir.sending import Sender
from api.imports.fhir.stays import Stay
from domain.board_flags import NOTE
from domain.refusals import Refusal


def record_flag(
    flag: Resource, stay: Stay, since: When, until: When | None, sender: Sender, ledger: Ledger
) -> Callable[[], None]:
    """Return the act that raises a flag, and lowers it where it is over."""
    codings = flag.all("code", "coding")
    kind = next((c.get("code") for c in codings if c.get("system") == KINDS), NOTE)
    text = flag.text("code")

    def act() -> None:
        if stay.id is None:
            ledger.judge_refused(flag, Rule.REFUSED_WITH, parent=stay.encounter)
            return
        raising = sender.send(
            flag,
            sender.hospital.flags.raise_flag,
            since,
            stay_id=stay.id,
            flag_kind=kind,
            note=None if text == kind else text,
        )
        if isinstance(raising, Refusal):
            ledger.judge_refused(flag, raising.code, raising.message)
            return
        note = ""
        if until is not None:
            id = raising.last("flag").flag
            lower = sender.hospital.flags.lower_flag
            lowering = sender.send(flag, lower, until, stay_id=stay.id, flag_id=id)
            if isinstance(lowering, Refusal):
                note = f"lower_flag refused: {lowering.code}: {lowering.message}"
        ledger.judge_recorded(flag, "raise_flag", note)

    return act
