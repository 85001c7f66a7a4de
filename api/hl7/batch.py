"""Batches and files of messages (FHS, BHS, BTS, FTS): each message in them is answered in its place.

The answer to a batch is a batch of acknowledgements (HL7 v2.5.1, 2.10.3).
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

from api.hl7.er7 import BOM

HEADERS, TRAILERS = (b"FHS", b"BHS"), (b"BTS", b"FTS")


def is_batch(data: bytes) -> bool:
    """Return whether a frame holds a batch or a file, and not one message."""
    return data[:10_000].removeprefix(BOM).lstrip(b"\r\n")[:3] in HEADERS


def is_complete(data: bytes) -> bool:
    """Return whether each batch has as many messages as its trailer says, if that says it (BTS-1)."""
    messages = 0
    for part in _parts(data):
        name, count = part[:3], part[4:].split(part[3:4] or b"|")[0].strip()
        if name == b"BHS":
            messages = 0
        elif name == b"BTS" and count.isdigit() and int(count) != messages:
            return False
        elif name not in HEADERS + TRAILERS:
            messages += 1
    return True


def answer_to(data: bytes, answers: Callable[[bytes], list[bytes]]) -> bytes:
    """Return the answer to a batch; ``answers`` carries a message out, and returns its own."""
    answer, acknowledgement_count, batch_count = b"", 0, 0
    for part in _parts(data):
        name, delimiter = part[:3], part[3:4] or b"|"
        if name == b"BHS":
            acknowledgement_count, batch_count = 0, batch_count + 1
        if name in HEADERS:
            answer += delimiter.join(_header(part.split(delimiter))) + b"\r"
        elif name in TRAILERS:
            count = acknowledgement_count if name == b"BTS" else batch_count
            answer += name + delimiter + str(count).encode() + b"\r"
        else:
            acknowledgements = answers(part)
            acknowledgement_count += len(acknowledgements)
            answer += b"".join(acknowledgements)
    return answer


def _parts(data: bytes) -> Iterator[bytes]:
    """Yield the headers and trailers of a batch, and each message in it, in order."""
    message: list[bytes] = []
    for line in re.split(rb"[\r\n]+", data.removeprefix(BOM)):
        is_frame = line[:3] in HEADERS + TRAILERS
        if message and (is_frame or line[:3] == b"MSH"):
            yield b"\r".join(message)
            message = []
        if is_frame:
            yield line
        elif line.strip():
            message.append(line)
    if message:
        yield b"\r".join(message)


def _header(fields: list[bytes]) -> list[bytes]:
    """Return the header of the answer: from the receiver to the sender, about the id that was sent."""
    fields = [*fields, *[b""] * (12 - len(fields))]
    name, encoding, *sender_and_receiver = fields[:6]
    sender, receiver = sender_and_receiver[:2], sender_and_receiver[2:]
    now, own_id = datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000"), uuid4().hex[:20]
    names = [*receiver, *sender, now.encode(), b"", b"", b"", own_id.encode(), fields[10]]
    return [name, encoding, *names]
