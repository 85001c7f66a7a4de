"""Acts of messages: the commands that each one gives, by its event and trigger."""

from collections.abc import Callable, Sequence

from api.hl7.act import (
    BY_HAND,
    Act,
    Moment,
    needed_value,
    recording_time,
    thing_name,
    visit_number,
)
from api.hl7.adt import (
    CANCELS,
    MOVEMENTS,
    OF_PERSON,
    Report,
    details_of,
    is_cancel_message,
    movement_act,
    patient_number,
    reports_of,
    sequence_of,
    trigger_of,
)
from api.hl7.beds import bed_status, pending_transfer
from api.hl7.er7 import Message, Unreadable
from api.hl7.sending import SendingSystem
from application.commands.movement_reports import AllergyReport, MovementReport
from domain.allergies import AllergyAction, AllergySeverity, Substance
from domain.prescription.events import Medication
from domain.source_visit import SourceKind
from domain.stay.facts import DischargePlan

SEVERITIES = {
    "SV": AllergySeverity.SEVERE,
    "MO": AllergySeverity.MODERATE,
    "MI": AllergySeverity.MILD,
}
"""HL7 table 0128."""

ALLERGY_ACTIONS = {
    "D": AllergyAction.DELETE,
    **dict.fromkeys(("U", "X"), AllergyAction.UPDATE),
}
"""Codes of IAM-6 (HL7 table 0206); any other, or none, is an allergy that the patient has."""

NOT_GIVEN = frozenset({"RE", "NA"})
"""HL7 table 0322: refused, not administered."""

ACTIONS = {
    **dict.fromkeys(("NW", "RO", "SN", "RE", "PA", "CH", "PR"), "begin"),
    **dict.fromkeys(("XO", "XX", "RP", "RU"), "change"),
    **dict.fromkeys(("CA", "DC", "OC", "OD"), "end"),
    **dict.fromkeys(("HD", "OH"), "hold"),
    **dict.fromkeys(("RL", "OE"), "resume"),
}
"""Actions by the codes of ORC-1 (HL7 table 0119); any other is to be entered by hand."""

REPLACED = ("RP", "RU")
"""Codes of an order in whose place the order with ``RO`` in the same message comes."""


OrderAct = Callable[[Message, SendingSystem, str], Act | None]


def acts_of(message: Message, sender: SendingSystem) -> list[Act]:
    """Return the commands that a message gives; none if it has no fact here. Raises Unreadable."""
    event, trigger = (message.value("MSH", 9, 1) or "").upper(), trigger_of(message)
    if event == "ADT" and (count := message.count("ZBE")) > 1:
        if trigger != "Z99" or message.count("PV1") > 1:
            raise Unreadable(100, f"ZBE^{count}", "one ZBE; several in Z99 alone, after one PV1")
        return _movements(message.parts("ZBE"), sender)
    if event == "ADT":
        _check_parts(message, trigger)
    match event, trigger:
        case "ADT", "A60":
            return _allergies(message, sender)
        case "ADT", "A16" | "A25":
            return [_discharge_plan(message, sender, trigger)]
        case "ADT", "A15" | "A26":
            return [pending_transfer(message, sender)]
        case "ADT", "A20":
            return bed_status(message, sender)
        case "ADT", "A17":
            return _movements(_parts(message, "PID"), sender, "A02")
        case "ADT", "A34" | "A36" | "A40" | "A44" | "A46" | "A47":
            return _movements(_parts(message, "PID"), sender, trigger)
        case "ADT", "A37" if message.count("PID") > 1:
            return _movements(_parts(message, "PID"), sender, trigger)
        case "ADT", "A45":
            return _movements(_parts(message, "MRG"), sender, trigger)
        case "ADT", _:
            reports = reports_of(message, sender)
            # somebody who is no patient here (an A04 of another class) is not registered
            says_details = reports or trigger in OF_PERSON
            if says_details and (details := details_of(message, sender)):
                reports.append(details)
            return list(map(movement_act, reports))
        case "ORM", _:
            return _orders(message, sender, _consult)
        case ("RDE", _) | ("OMP", _):
            return _orders(message, sender, _prescription)
        case "RAS", _:
            return [act for part in message.parts("ORC") for act in _doses(part, sender)]
    return []


def _check_parts(message: Message, trigger: str | None) -> None:
    """Raise Unreadable for what cannot be told apart: an id of several, or several records for one.

    The cancel by an id (ZBE-1) takes back all that was told by it, whatever it lists.
    """
    of = trigger if trigger != "Z99" else (message.value("ZBE", 6) or "").upper()
    if of not in {*MOVEMENTS, *CANCELS, "A17"}:
        return
    if message.has("ZBE") and not (is_cancel_message(message) and message.value("ZBE", 1)):
        for segment in ("PID", "MRG"):
            if (count := message.count(segment)) > 1:
                raise Unreadable(100, f"{segment}^{count}", "one ZBE of several persons or records")
    if trigger != "A45" and any(part.count("MRG") > 1 for part in message.parts("PID")):
        raise Unreadable(100, "MRG^2", "several MRG for one PID")


def _parts(message: Message, segment: str) -> list[Message]:
    """Return the movements of a message, one for each such segment; all of it if one id names them."""
    return [message] if message.value("ZBE", 1) else message.parts(segment)


def _movements(
    parts: Sequence[Message], sender: SendingSystem, trigger: str | None = None
) -> list[Act]:
    return [movement_act(r) for part in parts for r in reports_of(part, sender, trigger)]


def _discharge_plan(message: Message, sender: SendingSystem, trigger: str) -> Act:
    moment = recording_time(message, sender)
    expected_time = message.time("PV2", 9, sender.zone) or message.time("EVN", 3, sender.zone)
    is_planned = trigger == "A16"
    return Act(
        command="plan_discharge",
        visit=visit_number(message),
        occurred=moment,
        content={
            "plan": DischargePlan.PLANNED if is_planned else DischargePlan.NONE,
            "expected_at": expected_time[0] if expected_time and is_planned else None,
        },
    )


def _allergies(message: Message, sender: SendingSystem) -> list[Act]:
    return [_allergy(part, sender) for part in message.parts("IAM") if part.has("IAM")]


def _allergy(message: Message, sender: SendingSystem) -> Act:
    """Return the act of an allergy in a message, by an id that is made of its content."""
    mrn, authority = patient_number(message, sender)
    code, name = message.value("IAM", 3, 1), message.value("IAM", 3, 2)
    if (label := name or code) is None:
        raise Unreadable(101, "IAM^1^3", "the substance is absent")
    system = message.value("IAM", 3, 3)
    substance = Substance(name=label, code=code, system=system if code else None)
    recorded_at, sequence = recording_time(message, sender), sequence_of(message)
    onset, precision = message.rough_time("IAM", 11, sender.zone) or recorded_at
    allergy = AllergyReport(
        substance=substance,
        action=ALLERGY_ACTIONS.get(message.value("IAM", 6) or "", AllergyAction.ADD),
        severity=SEVERITIES.get(message.value("IAM", 4) or ""),
        reaction=message.value("IAM", 5),
    )
    movement = MovementReport(
        kind=SourceKind.ALLERGY,
        occurred_at=onset,
        occurred_at_precision=precision,
        patient_mrn=mrn,
        mrn_authority=authority,
        allergy=allergy,
    )
    return movement_act(
        Report(
            system=sender.name,
            source_id=f"{movement} {recorded_at} {sequence}",
            source_visit=None,
            source_recorded_at=recorded_at[0],
            source_sequence=sequence,
            cancelled=None,
            derived_id=True,
            movement=movement,
        )
    )


def _order(message: Message) -> str:
    return needed_value(message, "ORC", 2, "the placer's number of the order")


def _orders(message: Message, sender: SendingSystem, act_of: OrderAct) -> list[Act]:
    """Return the acts of the orders of a message; what is replaced ends once the new is written.

    A replacement without an order that takes its place, or under the same number, is a change.
    """
    first_acts: list[Act] = []
    last_acts: list[Act] = []
    parts = message.parts("ORC")
    new_numbers = {_order(part) for part in parts if part.value("ORC", 1) == "RO"}
    old_numbers = {_order(part) for part in parts if part.value("ORC", 1) in REPLACED}
    for part in parts:
        action = ACTIONS.get(part.value("ORC", 1) or "NW")
        if part.value("ORC", 1) in REPLACED and new_numbers:
            if _order(part) in new_numbers:
                continue
            action = "end"
        if part.value("ORC", 1) == "RO" and _order(part) in old_numbers:
            action = "change"
        act = act_of(part, sender, action) if action else None
        (last_acts if action == "end" else first_acts).append(act or BY_HAND)
    return first_acts + last_acts


def _order_time(message: Message, sender: SendingSystem) -> Moment:
    return message.time("ORC", 9, sender.zone) or recording_time(message, sender)


def _consult(message: Message, sender: SendingSystem, action: str) -> Act | None:
    order, order_time = thing_name("consult", _order(message)), _order_time(message, sender)
    names = {"consult_id": (order, "consult")}
    specialty = message.value("OBR", 24) or message.value("OBR", 4, 2) or message.value("OBR", 4)
    question = message.value("OBR", 31, 2) or message.value("OBR", 13)
    match action:
        case "end":
            return Act(command="withdraw_consult", content={}, occurred=order_time, names=names)
        case "change":
            content = {
                "specialty": specialty,
                "question": question,
                "source_recorded_at": recording_time(message, sender)[0],
                "source_sequence": sequence_of(message),
            }
            return Act(command="correct_consult", content=content, names=names)
        case "hold" | "resume":
            return None
    return Act(
        command="request_consult",
        visit=visit_number(message),
        thing=order,
        occurred=order_time,
        content={
            "specialty": specialty,
            "requested_by": message.value("ORC", 12),
            "question": question,
        },
    )


def _prescription(message: Message, sender: SendingSystem, action: str) -> Act | None:
    order, order_time = thing_name("prescription", _order(message)), _order_time(message, sender)
    names = {"prescription_id": (order, "prescription")}
    if action in ("end", "hold", "resume"):
        command = {"end": "stop"}.get(action, action) + "_prescription"
        return Act(
            command=command,
            content={},
            occurred=order_time,
            performed_by=message.value("ORC", 12),
            names=names,
        )
    segment, code, amount, units = "RXE", 2, 3, 5
    if not message.has("RXE"):
        segment, code, amount, units = "RXO", 1, 2, 4
    if (count := message.count(segment)) > 1:
        raise Unreadable(100, f"{segment}^{count}", "several medicines in one order")
    begins, ends = message.time("TQ1", 7, sender.zone), message.time("TQ1", 8, sender.zone)
    name = message.value(segment, code, 2) or message.value(segment, code)
    medication = name and Medication(
        name=name, code=message.value(segment, code), system=message.value(segment, code, 3)
    )
    regimen = {
        "dose": _amount(message, segment, amount, units),
        "route": message.value("RXR", 1, 2) or message.value("RXR", 1),
        "frequency": message.value("TQ1", 3),
        "stop": ends[0] if ends else None,
    }
    if action == "change":
        return Act(
            command="change_prescription",
            names=names,
            occurred=order_time,
            performed_by=message.value("ORC", 12),
            content=regimen,
            medication=medication or None,
            start=begins[0] if begins else None,
        )
    if not medication:
        raise Unreadable(101, f"{segment}^1^{code}", "the medicine is absent")
    return Act(
        command="write_prescription",
        visit=visit_number(message),
        thing=order,
        occurred=order_time,
        content={
            "medication": medication,
            **regimen,
            "start": begins[0] if begins else None,
            "prescriber": message.value("ORC", 12),
        },
    )


def _doses(message: Message, sender: SendingSystem) -> list[Act]:
    """Return the doses of an order: each is one RXA, and RXA-21 (table 0323) says if it is new."""
    if message.value("ORC", 1) not in (None, "RE", "NW", "OK", "SC"):
        return [BY_HAND]
    return [
        _dose(part, sender) if part.value("RXA", 21) in (None, "A") else BY_HAND
        for part in message.parts("RXA")
    ]


def _dose(message: Message, sender: SendingSystem) -> Act:
    start = message.time("RXA", 3, sender.zone)
    if start is None:
        raise Unreadable(101, "RXA^1^3", "the time of the dose is absent")
    is_given = message.value("RXA", 20) not in NOT_GIVEN
    reason = message.value("RXA", 18, 2) or message.value("RXA", 18)
    order = thing_name("prescription", _order(message))
    return Act(
        command="record_administration",
        names={"prescription_id": (order, "prescription")},
        thing=thing_name(
            "dose", _order(message), message.value("RXA", 2), f"{start[0]:%Y%m%d%H%M%S}"
        ),
        occurred=start,
        content={
            "given": is_given,
            "dose_given": _amount(message, "RXA", 6, 7) if is_given else None,
            "reason_not_given": None if is_given else reason or "not said",
        },
    )


def _amount(message: Message, segment: str, amount: int, units: int) -> str | None:
    parts = message.value(segment, amount), message.value(segment, units)
    return " ".join(part for part in parts if part) or None
