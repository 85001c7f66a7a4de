"""Values of settings: each is read from its text in the environment, or refused."""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

USUAL_PORTS = {"http": 80, "https": 443}
"""The ports that browsers leave out of an origin."""


def switch(value: str) -> bool:
    """Return whether a setting is on. Raises ValueError for anything but on and off."""
    if value not in ("on", "off"):
        raise ValueError
    return value == "on"


def number(value: str) -> float:
    """Return a number of at most a billion. Raises ValueError for another, or a negative one."""
    number = float(value)
    if not 0 <= number <= 1e9:
        raise ValueError
    return number


def whole_number(value: str) -> int:
    """Return a whole number. Raises ValueError."""
    number(value)
    return int(value)


def seconds(value: str) -> float:
    """Return seconds within which something can be done. Raises ValueError."""
    if number(value) < 1:
        raise ValueError
    return number(value)


def port(value: str) -> int:
    """Return a port, or 0. Raises ValueError."""
    if not 0 <= int(value) <= 65535:
        raise ValueError
    return int(value)


def home(value: str) -> Path:
    """Return a folder, there or to be made; ``~`` as a shell has it. Raises ValueError for a file."""
    home = Path(os.path.expanduser(value))
    if os.path.lexists(home) and not home.is_dir():
        raise ValueError
    return home


def zone(value: str) -> str:
    """Return the name of a time zone. Raises ValueError."""
    from domain.refusals import InvalidInput
    from domain.time import time_zone

    try:
        time_zone(value)
    except InvalidInput:
        raise ValueError from None
    return value


def issuer(value: str) -> str:
    """Return the URL of an issuer: https, or http on this machine. Raises ValueError."""
    parts = urlsplit(value)
    on_this_machine = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (
        parts.scheme == "https" or (parts.scheme == "http" and on_this_machine)
    ):
        raise ValueError
    return value


def years(value: str) -> int:
    """Return a number of years up to a century. Raises ValueError."""
    if not 0 <= int(value) <= 100:
        raise ValueError
    return int(value)


def days(value: str) -> int:
    """Return a number of days up to a century. Raises ValueError."""
    if not 0 <= int(value) <= 36_500:
        raise ValueError
    return int(value)


def places(value: str) -> int:
    """Return a number of places, at least one. Raises ValueError."""
    if not 1 <= int(value) <= 1000:
        raise ValueError
    return int(value)


def flag_kinds(value: str) -> tuple[str, ...]:
    """Return the kinds of flags, each once. Raises ValueError for one that is too long or blank."""
    from domain.text import code, key

    kinds = tuple(code(kind) for kind in value.split(","))
    if len({key(kind) for kind in kinds}) < len(kinds) or not all(0 < len(k) <= 40 for k in kinds):
        raise ValueError
    return kinds


def origins(value: str) -> tuple[str, ...]:
    """Return origins of pages, as browsers write them. Raises ValueError for a text that is none."""
    return tuple(map(_origin, value.split(",")))


def _origin(value: str) -> str:
    parts = urlsplit(value.strip().rstrip("/").lower())
    if parts.scheme not in USUAL_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError
    if parts.path or parts.query or parts.fragment:
        raise ValueError
    is_usual = parts.port == USUAL_PORTS[parts.scheme]
    host = parts.netloc.rpartition(":")[0] if is_usual else parts.netloc
    return f"{parts.scheme}://{host}"


EXPECTED: dict[Callable[[str], object], str] = {
    switch: "on or off",
    number: "a number from 0 to 1,000,000,000",
    whole_number: "a whole number from 0 to 1,000,000,000",
    seconds: "a number from 1 to 1,000,000,000",
    origins: "a list of origins, as https://screens.example.org, with commas between",
    port: "a port, from 0 to 65535",
    years: "a number of years, from 0 to 100",
    days: "a number of days, from 0 to 36500",
    places: "a number from 1 to 1000",
    home: "a folder",
    zone: "an IANA time zone; try Europe/Berlin or UTC",
    flag_kinds: "a list of different flags, each of 1 to 40 characters, with commas between",
    issuer: "the https URL of an issuer",
}
"""The words for what a value has to be, by the function that reads it."""
