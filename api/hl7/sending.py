"""Sending systems: one TOML file for each, with its codes, authorities, zone and places."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.hl7.configuration import unreadable
from domain.errors import ConfigurationError
from domain.patient_events import Sex
from domain.stay.facts import AdmissionType, Disposition


@dataclass(frozen=True, slots=True)
class SendingSystem:
    """A system that sends, by MSH-3 and MSH-4, and how its messages are read."""

    application: str
    facility: str | None
    name: str
    zone: ZoneInfo
    admitted_classes: frozenset[str] = frozenset({"I"})
    processing_ids: frozenset[str] = frozenset({"P"})
    """Values of MSH-11 (HL7 table 0103) that are carried out: not training, not debugging."""
    authorities: Mapping[str, str] = field(default_factory=dict)
    admission_types: Mapping[str, AdmissionType] = field(default_factory=dict)
    dispositions: Mapping[str, Disposition] = field(default_factory=dict)
    sexes: Mapping[str, Sex] = field(default_factory=dict)
    wards: Mapping[str, str] = field(default_factory=dict)
    certificate: str | None = None
    """A name in the certificate of its client, over TLS; None for whoever has one."""


KEYS = {
    *(
        "application",
        "facility",
        "name",
        "zone",
        "admitted_classes",
        "processing_ids",
        "certificate",
    ),
    *("authorities", "admission_types", "dispositions", "sexes", "wards"),
}


def sending_systems(path: Path) -> list[SendingSystem]:
    """Read the file of a sending system, or all of a folder. Raises ConfigurationError."""
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise ConfigurationError(f"{path} holds no file of a sending system (*.toml).")
    return [_read(file) for file in files]


def _read(file: Path) -> SendingSystem:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
        if unknown_keys := values.keys() - KEYS:
            raise ValueError(f"unknown: {', '.join(sorted(unknown_keys))}")
        if not isinstance(values.get("certificate", ""), str):
            raise ValueError("certificate is a text")
        return SendingSystem(
            application=values["application"],
            facility=values.get("facility"),
            name=values.get("name", values["application"]),
            zone=ZoneInfo(values["zone"]),
            admitted_classes=frozenset(values.get("admitted_classes", ["I"])),
            processing_ids=frozenset(values.get("processing_ids", ["P"])),
            authorities=dict(values.get("authorities", {})),
            admission_types={
                code: AdmissionType[name]
                for code, name in values.get("admission_types", {}).items()
            },
            dispositions={
                code: Disposition[name] for code, name in values.get("dispositions", {}).items()
            },
            sexes={code: Sex[name] for code, name in values.get("sexes", {}).items()},
            wards=dict(values.get("wards", {})),
            certificate=values.get("certificate"),
        )
    except (OSError, ValueError, KeyError, ZoneInfoNotFoundError) as error:
        raise unreadable(file, error) from None
