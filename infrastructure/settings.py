"""Settings, from the environment; `wardbook doctor` lists them.

Their names begin with ``WARDBOOK_``, those of the login's provider with ``OIDC_``.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path

from platformdirs import user_data_path

from application.command import Rules
from domain.errors import ConfigurationError


class InvalidSetting(ConfigurationError):
    """A setting whose value makes no sense; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What may be set, with its default."""

    database_url: str | None = None
    """An existing PostgreSQL (libpq URL); without it the embedded one is used."""

    home: Path = user_data_path("wardbook")
    """Where the embedded PostgreSQL keeps its data, and the key that local tokens are signed with."""

    hospital: str = "main"
    """The hospital's id, written on every event."""

    mrn_authority: str = "main"
    """Who assigns the MRNs that are given without an authority."""

    time_zone: str = "UTC"
    """Seeds the hospital's time zone (IANA name) in a new log; later it is a fact in the log."""

    clock_tolerance_seconds: int = 60
    """How far ahead of the database's clock a fact may have occurred, since clocks differ."""

    late_after_minutes: int = 60
    """An entry later than this needs a reason."""

    read_timeout_seconds: float = 5.0
    """How long an answer waits for the read models before it says that they are behind."""

    oidc_issuer: str | None = None
    """The provider whose tokens are taken (its issuer, an https URL); without it: local tokens."""

    oidc_audience: str | None = None
    """For whom the provider makes the tokens that are taken; needed with an issuer."""

    oidc_role_claim: str = "role"
    """The claim of a token that names the role."""

    oidc_wards_claim: str = "wards"
    """The claim of a token that lists the wards, for staff who have some."""

    request_timeout_seconds: float = 30.0
    """How long one operation may take; of a subscription, its beginning."""

    requests_per_second: float = 200.0
    """How many requests one login may send on average, ten seconds' worth at once; 0: no limit."""

    kept_answers_mb: int = 64
    """Memory for answers that are told again while nothing has changed, in MB; 0: none is kept."""

    read_snapshot: bool = True
    """Whether operations that begin at once share one look at the log and at their permissions."""

    single_flight: bool = True
    """Whether operations that share a snapshot run the same query once, for all of them."""

    fast_executor: bool = True
    """Whether fields without I/O are completed without the library's executor."""

    allowed_origins: tuple[str, ...] = ()
    """Other origins whose pages may open a WebSocket, with commas between them; our own always may."""

    slow_client_seconds: float = 10.0
    """How long a WebSocket may take nothing of what it is sent before it is closed."""

    trusted_documents: Path | None = None
    """A manifest of the only documents that are answered (a JSON file); without it, any are."""

    @property
    def rules(self) -> Rules:
        return Rules(
            hospital=self.hospital,
            mrn_authority=self.mrn_authority,
            clock_tolerance=timedelta(seconds=self.clock_tolerance_seconds),
            late_after=timedelta(minutes=self.late_after_minutes),
        )


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings as the environment has them. Raises InvalidSetting."""
    given: dict[str, object] = {}
    for field in fields(Settings):
        name = variable_name(field.name)
        value = environ.get(name)
        if value is None or value == "":
            continue
        try:
            given[field.name] = _CONVERT.get(field.name, str)(value)
        except ValueError:
            raise InvalidSetting(f"{name}={value!r} is not {_expected(field.name)}") from None
    settings = Settings(**given)  # type: ignore[arg-type]
    if (settings.oidc_issuer is None) != (settings.oidc_audience is None):
        raise InvalidSetting("OIDC_ISSUER and OIDC_AUDIENCE are set together, or neither")
    return settings


def variable_name(setting: str) -> str:
    """Its name in the environment."""
    return setting.upper() if setting.startswith("oidc_") else f"WARDBOOK_{setting.upper()}"


def _switch(value: str) -> bool:
    """Return whether a setting is on. Raises ValueError for anything but on and off."""
    if value not in ("on", "off"):
        raise ValueError
    return value == "on"


def _expected(setting: str) -> str:
    return "on or off" if _CONVERT[setting] is _switch else "a number"


_CONVERT: dict[str, Callable[[str], object]] = {
    "home": Path,
    "trusted_documents": Path,
    "clock_tolerance_seconds": int,
    "late_after_minutes": int,
    "read_timeout_seconds": float,
    "request_timeout_seconds": float,
    "requests_per_second": float,
    "kept_answers_mb": int,
    "read_snapshot": _switch,
    "single_flight": _switch,
    "fast_executor": _switch,
    "allowed_origins": lambda given: tuple(origin.strip() for origin in given.split(",")),
    "slow_client_seconds": float,
}
