"""Receiving systems: one TOML file for each, with its address, its names and its codes."""

import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from api.auth.authentication import is_loopback
from api.hl7.configuration import unreadable
from domain.errors import ConfigurationError
from domain.patient_events import Sex
from domain.stay.facts import AdmissionType, Disposition


@dataclass(frozen=True, slots=True)
class ReceivingSystem:
    """A system that is told of movements: where it listens, and how messages to it are written."""

    name: str
    host: str
    port: int
    application: str
    facility: str = ""
    sending_application: str = "WARDBOOK"
    sending_facility: str = ""
    from_start: bool = False
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    admission_types: Mapping[str, str] = field(default_factory=dict)
    dispositions: Mapping[str, str] = field(default_factory=dict)
    sexes: Mapping[str, str] = field(default_factory=dict)
    authorities: Mapping[str, str] = field(default_factory=dict)
    wards: Mapping[str, str] = field(default_factory=dict)

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS with which it is told. Raises ConfigurationError."""
        if self.authority is None:
            if not is_loopback(self.host):
                raise ConfigurationError(
                    f"{self.name}: without TLS messages are sent on this machine alone: name"
                    " authority, certificate and key"
                )
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.authority))
            if self.certificate and self.key:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            raise ConfigurationError(f"{self.name}: TLS: {error.strerror or error}") from None
        return context


TEXTS = ("name", "host", "application", "facility", "sending_application", "sending_facility")
FILES = ("authority", "certificate", "key")
TABLES: Mapping[str, type[AdmissionType] | type[Disposition] | type[Sex] | None] = {
    "admission_types": AdmissionType,
    "dispositions": Disposition,
    "sexes": Sex,
    "authorities": None,
    "wards": None,
}
"""The tables from names here to codes there."""


def receiving_system(file: Path) -> ReceivingSystem:
    """Read the file of a receiving system. Raises ConfigurationError."""
    try:
        values = tomllib.loads(file.read_text("utf-8"))
        known_keys = {*TEXTS, *FILES, *TABLES, "port", "from_start"}
        if unknown_keys := values.keys() - known_keys:
            raise ValueError(f"unknown: {', '.join(sorted(unknown_keys))}")
        for name in ("name", "host", "port", "application"):
            if name not in values:
                raise ValueError(f"{name} is absent")
        for name, value in values.items():
            _check(name, value)
        files = {name: file.parent / values.pop(name) for name in FILES if name in values}
        return ReceivingSystem(**values, **files)
    except (OSError, ValueError) as error:
        raise unreadable(file, error) from None


def _check(name: str, value: object) -> None:
    if name == "port" and (type(value) is not int or not 0 < value < 65_536):
        raise ValueError("port is a number from 1 to 65535")
    if name == "from_start" and type(value) is not bool:
        raise ValueError("from_start is true or false")
    if name in (*TEXTS, *FILES) and not isinstance(value, str):
        raise ValueError(f"{name} is a text")
    if name in TABLES:
        words = TABLES[name]
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise ValueError(f"{name} is a table of texts")
        if words and (unknown := value.keys() - words.__members__.keys()):
            raise ValueError(
                f"{name}: {', '.join(sorted(unknown))} is none of {', '.join(words.__members__)}"
            )
