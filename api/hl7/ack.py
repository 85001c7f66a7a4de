"""Acknowledgements: original mode, and enhanced mode where MSH-15 or MSH-16 asks for it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from api.hl7.er7 import Delimiters, Message, escape_text

CONDITIONS = {None, "AL", "NE", "ER", "SU"}
"""HL7 table 0155: when an acknowledgement is asked for. With any other word there is one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verdict on a message: A (kept), E (come again) or R (never in this form).

    Where it was not kept, a code of table 0357 says why, and ``where`` names the field.
    """

    kind: str
    text: str = ""
    code: int = 0
    where: str = ""


def acknowledgements(message: Message | None, verdict: Verdict) -> list[bytes]:
    """Return the answers to a message, in order; nothing of its content but its head is in them."""
    if message is None:
        return [_acknowledgement(None, "A" + verdict.kind, verdict)]
    accept, application = message.value("MSH", 15), message.value("MSH", 16)
    if {accept, application} <= {None, "NE"} or not {accept, application} <= CONDITIONS:
        # also where none is asked for: many senders wait for one all the same
        return [_acknowledgement(message, "A" + verdict.kind, verdict)]
    answers = []
    if _is_asked(accept, verdict):
        answers.append(_acknowledgement(message, "C" + verdict.kind, verdict))
    if _is_asked(application, verdict):
        answers.append(_acknowledgement(message, "A" + verdict.kind, verdict))
    return answers


def _is_asked(condition: str | None, verdict: Verdict) -> bool:
    return condition == "AL" or condition == ("SU" if verdict.kind == "A" else "ER")


def _acknowledgement(message: Message | None, code: str, verdict: Verdict) -> bytes:
    delimiters = message.delimiters if message else Delimiters()

    def header_field(field: int) -> str:
        return message.raw("MSH", field) if message else ""

    event = header_field(9).split(delimiters.component)
    kind = delimiters.component.join(["ACK", *([event[1], "ACK"] if len(event) > 1 else [])])
    head = [
        "MSH",
        delimiters.encoding,
        *(header_field(5), header_field(6), header_field(3), header_field(4)),
        datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000"),
        *("", kind, uuid4().hex[:20], header_field(11) or "P", header_field(12) or "2.5"),
        *("", "", "", "", "", header_field(18)),
    ]
    segments = [head, ["MSA", code, header_field(10), escape_text(verdict.text, delimiters)]]
    if verdict.code:
        reason = delimiters.component.join(
            [str(verdict.code), escape_text(verdict.text, delimiters), "HL70357"]
        )
        location = verdict.where.replace("^", delimiters.component)
        segments.append(["ERR", "", location, reason, "E"])
    text = "".join(
        delimiters.field.join(fields).rstrip(delimiters.field) + "\r" for fields in segments
    )
    return text.encode(message.codec if message else "utf-8", "replace")
