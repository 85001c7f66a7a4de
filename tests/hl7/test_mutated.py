"""Messages by strangers: with whatever in them, each gets one answer that is not to come again."""

import logging
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from api.hl7.door import Door
from application.hospital import Hospital
from tests.hl7.test_beds import pending
from tests.hl7.test_inbound import SAMPLES, SENDERS, adt, codes
from tests.hl7.test_orders import ras, rde
from tests.hl7.test_triggers import of_kind
from tests.record.test_source_movements import EXAMPLES, fed
from tests.support.hospital_dsl import room

__all__ = ["fed"]

IAM, NPU, MRG = "IAM|1||1^Nuts^L|SV|Rash|A", "NPU|A^1^b|C", "MRG|4799^^^HOSP^MR"
ZBE = "ZBE|M1|20260302100000+0100||INSERT||A02"
OWN = [
    *(adt(f"A{number:02}", "C") for number in (*range(1, 18), *range(21, 63))),
    *(adt(trigger, "C", MRG) for trigger in ("A34", "A36", "A37", "A40", "A44", "A45", "A47")),
    *(adt(trigger, "C", ZBE) for trigger in ("A01", "A02", "A03", "A21", "Z99")),
    *(adt("A60", "C", IAM), adt("A20", "C", NPU), pending("A15", "C", 12), pending("A26", "C", 13)),
    *(rde("C", "NW", 12, "400"), ras("C", 13)),
    of_kind("ORM^O01", "C", "ORC|NW|7", "OBR|1|||C^Heart"),
]
FOREIGN = [file.read_bytes() for file in sorted(SAMPLES.glob("*.hl7"))[::6]]

VALUES = [
    *("", '""', " ", "~", "~~^^&&", "^^^^^^^^^^", "&&&&", "\\", "\\X\\", "\\X00\\", "\\XZZ\\"),
    *("\\X1E31\\A", "\\X0D\\", "\\.br\\", "\\E\\F\\", "\x00", "\x1e1AAAA", "\u202eabc"),
    *("é" * 300, "x" * 70_000, "9" * 400, "0", "-1", "1e9", "²", "20260230", "00010101"),
    *("99991231235959.9999+1400", "20260302+9999", "2026030210", "29990101", "A^1^b"),
    *("4711^^^HOSP^MR", "4799^^^HOSP^MR", "INSERT", "cancel", "N", "None", "C", "U", "D", "CA"),
    *("XO", "T", "8859/1", "UNICODE", "KLINGON", "AL", "NE", "2.1", "2.9", "Infinity"),
]  # fmt: skip
Change = Callable[[list[list[str]]], None]


@st.composite
def change(draw: st.DrawFn) -> Change:
    """Something that a stranger does to the segments of a message."""
    kind = draw(st.sampled_from(["field", "field", "field", "twice", "none", "moved", "added"]))
    at, field, to = draw(st.integers(0, 9)), draw(st.integers(0, 50)), draw(st.integers(0, 9))
    value = draw(st.sampled_from(VALUES))

    def applied(segments: list[list[str]]) -> None:
        index = at % len(segments)
        match kind:
            case "field":
                fields = segments[index]
                place = 1 + (field % len(fields) if to < 7 else field)
                if index == 0 and place == 1:
                    return  # its delimiters
                fields += [""] * (place + 1 - len(fields))
                fields[place] = value
            case "twice":
                segments.insert(1 + to % len(segments), list(segments[index or 1]))
            case "none" if index:
                del segments[index]
            case "moved" if index:
                segments.insert(1 + to % len(segments), segments.pop(index))
            case "added":
                segments.append([value[:3] or "ZZZ", value])

    return applied


_NUMBERS = count()


@given(st.sampled_from([*OWN, *OWN, *OWN, *FOREIGN]), st.lists(change(), max_size=4), st.data())
@runs(
    max_examples=max(60, EXAMPLES * 10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_a_message_says_it_is_answered_once_and_not_to_come_again(
    fed: Hospital,
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    message: bytes,
    changes: list[Change],
    data: st.DataObject,
) -> None:
    """AE would have the sender send it for ever: nothing that a message says is an internal error."""
    number = next(_NUMBERS)
    if not number:
        room(fed)
    caplog.set_level(logging.WARNING)
    caplog.clear()
    door = Door(fed, SENDERS, tmp_path_factory.mktemp("h"))
    lines = message.decode("utf-8", "replace").replace("\n", "\r").split("\r")
    segments = [line.split("|") for line in lines if line.strip()]
    if message in FOREIGN:
        segments[0][2:4] = ["ADT", "NORTH"]
    if len(segments[0]) > 9:
        segments[0][9] = f"C{number}"
    for apply in changes:
        if len(segments) > 1:
            apply(segments)
    text = "\r".join("|".join(fields) for fields in segments)
    if data.draw(st.booleans()):
        signs = data.draw(st.permutations("#$%@!"))
        text = text.translate(str.maketrans("|^~\\&", "".join(signs)))
    (answer,) = door.answers(text.encode("utf-8", "replace"))
    assert codes([answer.decode("utf-8", "replace")])[0] in ("AA", "AR"), (caplog.text, text)
    assert [r.getMessage() for r in caplog.records if "not carried out" in r.getMessage()] == []
