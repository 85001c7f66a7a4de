"""Messages in ER7, the encoding of HL7 v2 by delimiters: segments, fields, escapes and times."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from domain.errors import WardbookError
from domain.time import Precision

MAX_BYTES = 1_000_000
MAX_SEGMENTS = 2_000

ERASED = '""'
"""A field that says that its value is deleted; an absent one says nothing."""

BOM = b"\xef\xbb\xbf"

CHARSETS = {
    "": "utf-8",
    "ASCII": "ascii",
    "USASCII": "ascii",
    "UNICODE": "utf-16",
    "UNICODEUTF8": "utf-8",
    "UNICODEUTF16": "utf-16",
    "UTF8": "utf-8",
    **{f"8859{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
"""HL7 table 0211 as far as it is read, with the codecs of Python.

Names have no separators and no `ISO` before them: senders write 8859/1 as ISO-8859-1 or 8859-1, too.
"""

TIME = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,9}))?)?)?)?)?)?([+-]\d\d:?\d\d)?"
)
ROUGH = re.compile(r"\d{4}(\d\d)?")
"""A time without a day."""
ESCAPED = (
    r"[FSTREHN]|\.br|\.(?:fi|nf|ce)|\.(?:sp|in|ti|sk)[+-]?\d*"
    r"|X(?:[0-9A-Fa-f]{2})*|C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4,6}"
)
"""Names of escapes, between two escape characters; any other text between them is text."""


class Unreadable(WardbookError):
    """A message, or a field of it, that is not in its form: a code of table 0357, and where."""

    def __init__(self, code: int, where: str, text: str) -> None:
        super().__init__(text)
        self.code, self.where, self.text = code, where, text


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The delimiters of a message, from MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def encoding(self) -> str:
        return self.component + self.repetition + self.escape + self.subcomponent


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its delimiters, its codec, and the fields of its segments as they were sent."""

    delimiters: Delimiters
    codec: str
    segments: tuple[tuple[str, ...], ...]

    def raw(self, segment: str, field: int) -> str:
        """Return a field of the first such segment as it was sent, or nothing."""
        for fields in self.segments:
            if fields[0] == segment:
                return fields[field] if field < len(fields) else ""
        return ""

    def has(self, segment: str) -> bool:
        return any(fields[0] == segment for fields in self.segments)

    def count(self, segment: str) -> int:
        return sum(fields[0] == segment for fields in self.segments)

    def repetitions(self, segment: str, field: int) -> list[str]:
        text = self.raw(segment, field)
        return text.split(self.delimiters.repetition) if text else []

    def component(self, text: str, number: int) -> str | None:
        """Return a component of a field, its first subcomponent, unescaped; None if absent or erased."""
        parts = text.split(self.delimiters.component)
        if number > len(parts):
            return None
        subcomponent = parts[number - 1].split(self.delimiters.subcomponent)[0]
        if subcomponent == ERASED:
            return None
        return self.unescape(subcomponent).strip() or None

    def value(self, segment: str, field: int, number: int = 1) -> str | None:
        """Return a component of the first repetition of a field."""
        repetitions = self.repetitions(segment, field)
        return self.component(repetitions[0], number) if repetitions else None

    def parts(self, segment: str) -> list["Message"]:
        """Return a message for each such segment, each with what stands before the first of them."""
        starts = [i for i, fields in enumerate(self.segments) if fields[0] == segment]
        ends = [*starts[1:], len(self.segments)]
        common = self.segments[: starts[0]] if starts else self.segments
        return [
            replace(self, segments=common + self.segments[start:end])
            for start, end in zip(starts, ends, strict=False)
        ] or [self]

    def with_field(self, segment: str, field: int, text: str) -> "Message":
        """Return a message of which a field of the first such segment is another one."""
        index = next(i for i, fields in enumerate(self.segments) if fields[0] == segment)
        fields = self.segments[index]
        other_fields = (*fields[:field], text, *fields[field + 1 :])
        return replace(
            self, segments=(*self.segments[:index], other_fields, *self.segments[index + 1 :])
        )

    def is_erased(self, segment: str, field: int, number: int = 1) -> bool:
        """Return whether a field, or a component of its first repetition, is deleted."""
        repetitions = self.repetitions(segment, field)
        if repetitions and repetitions[0] == ERASED:
            return True
        components = repetitions[0].split(self.delimiters.component) if repetitions else []
        return number <= len(components) and components[number - 1] == ERASED

    def unescape(self, text: str) -> str:
        delimiters = self.delimiters
        if delimiters.escape not in text:
            return text
        letters = {
            "F": delimiters.field,
            "S": delimiters.component,
            "T": delimiters.subcomponent,
            "R": delimiters.repetition,
            "E": delimiters.escape,
            ".br": "\n",
        }

        def meant(escape: re.Match[str]) -> str:
            name = escape[1]
            if name.startswith("X"):
                try:
                    return bytes.fromhex(name[1:]).decode(self.codec)
                except ValueError:
                    return ""
            return letters.get(name, "")

        sign = re.escape(delimiters.escape)
        return re.sub(f"{sign}({ESCAPED}){sign}", meant, text)

    def time(
        self, segment: str, field: int, zone: tzinfo
    ) -> tuple[datetime, Precision | None] | None:
        """Return a moment with its precision, in the zone given where it names none."""
        text = self.value(segment, field)
        return time_of(text, zone, f"{segment}^1^{field}") if text else None

    def rough_time(
        self, segment: str, field: int, zone: tzinfo
    ) -> tuple[datetime, Precision | None] | None:
        """Return a moment as `time` does; of a year or a month alone its beginning, as estimated."""
        text = self.value(segment, field)
        if text and ROUGH.fullmatch(text):
            day = f"{text[:4]}{text[4:] or '01'}01"
            return time_of(day, zone, f"{segment}^1^{field}")[0], Precision.ESTIMATED
        return self.time(segment, field, zone)


def escape_text(text: str, delimiters: Delimiters = Delimiters()) -> str:
    """Return a text as it may stand in a field."""
    for letter, sign in (
        ("E", delimiters.escape),
        ("F", delimiters.field),
        ("S", delimiters.component),
        ("T", delimiters.subcomponent),
        ("R", delimiters.repetition),
    ):
        text = (
            text.replace(sign, f"{delimiters.escape}{letter}{delimiters.escape}") if sign else text
        )
    return (
        text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\n", f"{delimiters.escape}.br{delimiters.escape}")
    )


def time_of(text: str, zone: tzinfo, where: str) -> tuple[datetime, Precision | None]:
    """Return the moment that a time of any precision names. Raises Unreadable."""
    match = TIME.fullmatch(text)
    if not match:
        raise Unreadable(102, where, "not a time")
    year, month, day, hour, minute, seconds, fraction, offset = match.groups()
    if day is None:
        raise Unreadable(102, where, "a time without a day")
    try:
        if offset:
            minutes = int(offset[1:3]) * 60 + int(offset[-2:])
            zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(seconds or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            zone,
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(102, where, "not a time") from None
    return moment, (Precision.DAY if hour is None else Precision.HOUR if minute is None else None)


def head_of(data: bytes) -> bytes:
    """Return the first segment of a message."""
    begin = data[:10_000].removeprefix(BOM).lstrip(b"\r\n")
    return re.split(rb"[\r\n]", begin, maxsplit=1)[0]


def parsed_head(data: bytes) -> Message | None:
    """Return the first segment of a message that cannot be read as a whole, if it can be read."""
    head = head_of(data).decode("ascii", "replace")
    fields = head.split(head[3:4]) if head[3:4] else []
    try:
        return parse("|".join(fields[:17]).replace("|", head[3:4]).encode())
    except Unreadable:
        return None


def parse(data: bytes) -> Message:
    """Read a message. Raises Unreadable; limits hold before anything is split."""
    if len(data) > MAX_BYTES:
        raise Unreadable(207, "", "the message is too long")
    if max(data.count(b"\r"), data.count(b"\n")) > MAX_SEGMENTS:
        raise Unreadable(207, "", "the message has too many segments")
    data = data.removeprefix(BOM).lstrip(b"\r\n")
    if data[:3] in (b"FHS", b"BHS"):
        raise Unreadable(207, "BTS^1^1", "a batch that has not as many messages as it says")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16"
    else:
        codec = _codec(head_of(data))
    try:
        text = data.decode(codec)
    except UnicodeError:
        raise Unreadable(102, "MSH^1^18", "the bytes are not of the charset of MSH-18") from None
    delimiters = _delimiters(text)
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    segments = [tuple(line.split(delimiters.field)) for line in lines]
    if any(fields[0] == "MSH" for fields in segments[1:]):
        raise Unreadable(100, "MSH^2", "a second message: send each in a frame of its own")
    # MSH-1 is the delimiter itself, so that field n of every segment is item n
    segments[0] = ("MSH", delimiters.field, *segments[0][1:])
    return Message(delimiters, codec, tuple(segments))


def _codec(head: bytes) -> str:
    delimiter = head[3:4]
    fields = head.split(delimiter) if delimiter else []
    name = fields[17].split(b"~")[0].decode("ascii", "replace").strip() if len(fields) > 17 else ""
    plain_name = re.sub(r"[-_/ ]", "", name.upper()).removeprefix("ISO")
    codec = CHARSETS.get(plain_name or name)
    if codec is None:
        raise Unreadable(103, "MSH^1^18", "a charset that is not read here")
    return "utf-8" if codec == "utf-16" else codec  # its head was read as bytes: it is not UTF-16


def _delimiters(text: str) -> Delimiters:
    head = re.match(r"MSH([^\w\s])([^\w\s]{2,5})", text)
    if not head:
        raise Unreadable(100, "MSH", "no MSH segment")
    field, signs = head[1], head[2].split(head[1])[0]
    if len(set(field + signs)) != len(field + signs) or len(signs) < 2:
        raise Unreadable(102, "MSH^1^2", "delimiters that are not told apart")
    return Delimiters(field, *signs[:4])
