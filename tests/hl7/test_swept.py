"""Every field that is read, with everything odd in it: each message gets one definite answer."""

import logging
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from api.hl7.door import Door
from application.hospital import Hospital
from tests.hl7.test_beds import pending
from tests.hl7.test_inbound import SENDERS, adt, codes
from tests.hl7.test_mutated import IAM, MRG, NPU, ZBE
from tests.hl7.test_orders import ras, rde
from tests.hl7.test_triggers import of_kind
from tests.support.hospital_dsl import room

pytestmark = pytest.mark.slow

ORDER = of_kind("ORM^O01", "C", "ORC|NW|7||||||||||D1", "OBR|1|||C^Heart")
FIELDS: dict[str, list[int]] = {
    "MSH": [3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 18],
    "EVN": [1, 2, 3, 6],
    "PID": [3, 5, 7, 8],
    "PV1": [2, 3, 4, 7, 10, 19, 36, 37, 40, 42, 44, 45],
    "PV2": [8, 9],
    "ZBE": [1, 2, 4, 5, 6],
    "MRG": [1],
    "NPU": [1, 2],
    "IAM": [3, 4, 5, 6, 11],
    "ORC": [1, 2, 9, 12],
    "OBR": [4, 13, 24, 31],
    "RXE": [2, 3, 5],
    "RXO": [1, 2, 4],
    "RXR": [1],
    "TQ1": [3, 7, 8],
    "RXA": [2, 3, 6, 7, 18, 20, 21],
}
"""The fields that are read, by segment."""

MESSAGES = [
    *(adt(f"A{number:02}", "C") for number in (*range(1, 18), *range(20, 63))),
    *(
        adt(trigger, "C", MRG)
        for trigger in ("A34", "A36", "A37", "A40", "A44", "A45", "A46", "A47")
    ),
    *(adt(trigger, "C", ZBE) for trigger in ("A01", "A02", "A03", "A21", "A22", "A54", "Z99")),
    *(adt("A05", "C", "PV2|"), adt("A16", "C", "PV2|"), adt("A60", "C", IAM), adt("A20", "C", NPU)),
    *(pending("A15", "C", 12), pending("A26", "C", 13)),
    *(rde("C", action, 12, "400") + b"\rTQ1|" for action in ("NW", "XO", "DC", "HD", "RL")),
    *(ras("C", 13), ORDER, ORDER.replace(b"|NW|", b"|XO|"), ORDER.replace(b"|NW|", b"|CA|")),
    of_kind("RDE^O11", "C", "ORC|NW|9", "RXO|X1^Ibuprofen|400||mg", "TQ1|"),
]

ODD = {
    "absent": "",
    "deleted": '""',
    "escaped": r"\F\\S\\T\\R\\E\\X41\\.br\\H\\Zx\\X\\XZ\\",
    "half an escape": "A\\F",
    "repetitions": "~".join(["1^2^3^4", "", '""', "4711^^^HOSP^MR"]),
    "components": "^".join("1234567"),
    "no component": "^^^^",
    "sub-components": "A&B&C^D&&E^&",
    "deleted component": '""^""^""',
    "a number": "-1.5e9",
    "a time": "20260302100000",
    "half a time": "202603",
    "no such day": "20260230",
    "the first day": "0001010100+1400",
    "the last day": "99991231235959-1200",
    "a moment to come": "20990101",
    "a word": "nonsense",
    "long": "x" * 200_000,
    "many repetitions": "~" * 5_000,
    "many components": "^" * 5_000,
    "control signs": "A\x00B\x07\x1b[31m\x7f\x85",
    "sealed": "\x1e1AAAA",
    "other letters": "Žluťoučký 患者 🏥",
    "other directions": "\u202eabc\u2066",
    "not composed": "e\u0301" * 50,
    "blank": "   \t ",
}

EVERY = int(os.environ.get("WARDBOOK_EXAMPLES", "8")) > 50


def swept() -> Iterator[tuple[str, list[list[str]]]]:
    """Yield messages, each with one odd field; of messages with that segment each in turn."""
    turn = count()
    for segment, numbers in FIELDS.items():
        messages = [m for m in MESSAGES if b"\r" + segment.encode() + b"|" in b"\r" + m]
        for number in numbers:
            for name, value in ODD.items():
                first = next(turn)
                if first % 4 and not EVERY:
                    continue
                for message in messages if EVERY else [messages[first // 4 % len(messages)]]:
                    fields = [line.split("|") for line in message.decode().split("\r")]
                    line = next(f for f in fields if f[0] == segment)
                    place = number - (segment == "MSH")
                    line += [""] * (place + 1 - len(line))
                    line[place] = value
                    yield f"{segment}-{number} {name}", fields


def test_each_odd_field_gets_one_definite_answer(
    hospital: Hospital, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room(hospital)
    caplog.set_level(logging.WARNING)
    door, wrong = Door(hospital, SENDERS, tmp_path), []
    assert codes([a.decode() for a in door.answers(adt("A01", "0"))]) == ["AA"]
    for number, (name, fields) in enumerate(swept()):
        if not name.startswith("MSH-10"):
            fields[0][9] = f"C{number}"
        text = "\r".join("|".join(line) for line in fields)
        caplog.clear()
        answers = door.answers(text.encode())
        result = codes([each.decode("utf-8", "replace") for each in answers])
        if result not in (["AA"], ["AR"]) or caplog.records:
            wrong.append((name, text[:300], result, caplog.text[-300:]))
    assert not wrong
