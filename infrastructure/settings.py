"""Settings, from the environment; `wardbook doctor` lists them.

Their names begin with ``WARDBOOK_``, those of the login's provider with ``OIDC_``.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from domain.board_flags import BOARD_FLAGS
from domain.errors import ConfigurationError
from infrastructure import setting_values as values
from infrastructure.own_folder import own_folder

if TYPE_CHECKING:  # the list of commands and a token need no domain
    from application.command import Rules


class InvalidSetting(ConfigurationError):
    """A setting with an invalid value; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings with their defaults."""

    database_url: str | None = None
    """An existing PostgreSQL (libpq URL); without it the embedded one is used."""

    app_url: str | None = None
    """The application's own login (libpq URL, role wardbook_app): all that serving needs."""

    read_database_url: str | None = None
    """A hot standby of the database (libpq URL), which answers boards, timelines and reports."""

    home: Path = field(default_factory=own_folder)
    """Folder of the embedded PostgreSQL's data, and of the key that local tokens are signed with."""

    keys: Path | None = None
    """The key store (a SQLite file), apart from the database and its backups; keys.sqlite at home."""

    keys_url: str | None = None
    """A PostgreSQL apart from the log's (libpq URL), in place of the file of the key store."""

    house_key: Path | None = None
    """The file with the key of the house, by which all keys are wrapped; beside the key store."""

    house_key_command: str | None = None
    """A command that prints the key of the house (a KMS), in place of its file."""

    hospital: str = "main"
    """The hospital's id, written on every event."""

    hospital_name: str | None = None
    """The hospital's name, for screens and printed pages; its id by default."""

    mrn_authority: str = "main"
    """Authority that assigns the MRNs that are given without an authority."""

    time_zone: str = "UTC"
    """Seeds the hospital's time zone (IANA name) in a new log; later it is a fact in the log."""

    clock_tolerance_seconds: int = 60
    """The tolerance for facts that occur ahead of the database's clock, since clocks differ."""

    late_after_minutes: int = 60
    """An entry later than this needs a reason."""

    newborn_days: int = 28
    """The age in days up to which a newborn may begin to share its mother's bed."""

    plan_years: int = 10
    """The years ahead for which anything may be planned: the last day that a command may name."""

    confirm_likely_duplicates: bool = False
    """True if a registration is refused until who gives it says that likely duplicates are others."""

    read_timeout_seconds: float = 5.0
    """The longest wait of a response for the read models before it says that they are behind."""

    oidc_issuer: str | None = None
    """The provider whose tokens are taken (its issuer, an https URL); without it: local tokens."""

    oidc_audience: str | None = None
    """The audience of accepted tokens; needed with an issuer."""

    oidc_role_claim: str = "role"
    """The claim of a token that names the role."""

    oidc_wards_claim: str = "wards"
    """The claim of a token that lists the wards, for staff who have some."""

    oidc_client_id: str | None = None
    """The page's id at the provider, a public client; without it the page takes tokens by links."""

    oidc_parameters: str = "scope=openid"
    """Further parameters of the page's login (scope, resource, audience), as in a URL's query."""

    logoff_minutes: int = 0
    """The minutes without use after which the page logs off, or sooner by choice; 0: by choice."""

    request_timeout_seconds: float = 30.0
    """The timeout of one operation; of a subscription, of its beginning."""

    requests_per_second: float = 200.0
    """The rate limit of one login on average, with bursts of ten seconds' worth; 0: no limit."""

    anonymous_per_second: float = 100.0
    """The responses to all who are not logged in, on average; others wait; 0: no limit."""

    processor_share: float = 0.3
    """The share of the processor's time that one login has while others ask, too; 0: no limit."""

    sockets_per_login: int = 200
    """The WebSockets that one login has at once at most; 0: no limit."""

    subscriptions_per_login: int = 1000
    """The operations that one login has at once over all its WebSockets; 0: no limit."""

    statements_per_login: int = 5
    """The statements and commands that one login has at once in a process, of twenty connections."""

    socket_hours: float = 24.0
    """The longest time that a WebSocket lasts before its client has to log in again; 0: no limit."""

    socket_idle_minutes: float = 15.0
    """The time after which a WebSocket over which nothing is asked is closed; 0: never."""

    token_idle_minutes: float = 0.0
    """The time after which a token that was not used is taken no more; 0: it holds until it ends."""

    kept_answers_mb: int = 32
    """Memory of the response cache, in MB; 0: no cache."""

    smallest_cell: int = 5
    """The persons that a figure of a report is of, at least, for who may not see each of them."""

    admins_see_clinical: bool = True
    """True if administrators may see clinical data too; off: they administer, and read no notes."""

    restricted_in_own_ward: bool = True
    """True if nurses see and treat a RESTRICTED patient who is in a bed of their own wards."""

    read_snapshot: bool = True
    """True if operations that begin at once share one query of the log's status and permissions."""

    single_flight: bool = True
    """True if operations that share a snapshot run the same query once, for all of them."""

    fast_executor: bool = True
    """True if fields without I/O are completed without the library's executor."""

    checkpoint_seconds: float = 10.0
    """The longest time between two signed checkpoints of a log that grows; 0: none is signed."""

    retention_days: int = 0
    """The days since the last fact about a person after which their time to be kept ends; 0: never."""

    key_backup_days: int = 30
    """The days for which the house keeps backups of the key store: then what was destroyed is gone."""

    health_seconds: float = 1.0
    """The time for which /readyz and /metrics give the same response, however many ask."""

    health_port: int = 0
    """The port at which alone /readyz and /metrics are answered, and nothing else; 0: where all is."""

    board_flags: tuple[str, ...] = BOARD_FLAGS
    """The flags that may be raised on the board, separated by commas, in the order of screens."""

    allowed_origins: tuple[str, ...] = ()
    """Other origins whose pages may ask (HTTP, WebSocket), separated by commas; our own always may."""

    slow_client_seconds: float = 10.0
    """The time after which a WebSocket that receives nothing is closed."""

    trusted_documents: Path | None = None
    """The manifest of the only documents that are executed (a JSON file); without it, any are."""

    @property
    def rules(self) -> "Rules":
        from application.command import Rules

        return Rules(
            hospital=self.hospital,
            mrn_authority=self.mrn_authority,
            clock_tolerance=timedelta(seconds=self.clock_tolerance_seconds),
            late_after=timedelta(minutes=self.late_after_minutes),
            newborn_days=self.newborn_days,
            plan_years=self.plan_years,
            confirm_likely_duplicates=self.confirm_likely_duplicates,
            admins_see_clinical=self.admins_see_clinical,
            restricted_in_own_ward=self.restricted_in_own_ward,
            board_flags=self.board_flags,
        )


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment; blanks around a value are none. Raises InvalidSetting."""
    by_name: dict[str, object] = {}
    for setting in fields(Settings):
        name = variable_name(setting.name)
        value = environ.get(name, "").strip()
        if not value:
            continue
        try:
            by_name[setting.name] = _CONVERT.get(setting.name, str)(value)
        except ValueError:
            raise InvalidSetting(
                f"{name}={value!r} is not {values.EXPECTED[_CONVERT[setting.name]]}."
            ) from None
    settings = Settings(**by_name)  # type: ignore[arg-type]
    if (settings.oidc_issuer is None) != (settings.oidc_audience is None):
        raise InvalidSetting("OIDC_ISSUER and OIDC_AUDIENCE are set together, or neither.")
    if settings.oidc_client_id is not None and settings.oidc_issuer is None:
        raise InvalidSetting("OIDC_CLIENT_ID is set with OIDC_ISSUER.")
    return settings


DEMO_FILE = "simulation.json"
"""The file by which the home of a demo is known."""


_OF_ONE_HOSPITAL = (
    *("database_url", "app_url", "read_database_url"),
    *("keys", "keys_url", "house_key", "house_key_command"),
)
"""The settings that name a hospital's database and its keys."""


def is_demo(home: Path) -> bool:
    """Return whether a folder is the home of a demo."""
    return (home / DEMO_FILE).exists()


def demo_home(home: Path) -> Path:
    """Return the home of the demo: a folder in a home, or the one that is it already."""
    return home if is_demo(home) else home / "demo"


def use_demo() -> None:
    """Let the environment name the demo's home, database and keys. Raises InvalidSetting."""
    os.environ["WARDBOOK_HOME"] = str(demo_home(from_environment().home))
    for setting in _OF_ONE_HOSPITAL:
        os.environ.pop(variable_name(setting), None)


def check_no_demo(settings: Settings) -> None:
    """Refuse the embedded database of a demo for a hospital of one's own. Raises InvalidSetting."""
    if settings.database_url is None and settings.app_url is None and is_demo(settings.home):
        raise InvalidSetting(
            f"WARDBOOK_HOME={str(settings.home)!r} is the demo's home, which wardbook demo serves:"
            " unset it, or name another folder for a hospital of your own."
        )


def variable_name(setting: str) -> str:
    """Return the name of a setting in the environment."""
    return setting.upper() if setting.startswith("oidc_") else f"WARDBOOK_{setting.upper()}"


_CONVERT: dict[str, Callable[[str], object]] = {
    "home": values.home,
    "keys": Path,
    "house_key": Path,
    "time_zone": values.zone,
    "oidc_issuer": values.issuer,
    "trusted_documents": Path,
    "logoff_minutes": values.whole_number,
    "clock_tolerance_seconds": values.whole_number,
    "late_after_minutes": values.whole_number,
    "read_timeout_seconds": values.number,
    "request_timeout_seconds": values.seconds,
    "requests_per_second": values.number,
    "anonymous_per_second": values.number,
    "processor_share": values.number,
    "sockets_per_login": values.whole_number,
    "subscriptions_per_login": values.whole_number,
    "statements_per_login": values.places,
    **dict.fromkeys(("socket_hours", "socket_idle_minutes", "token_idle_minutes"), values.number),
    "kept_answers_mb": values.whole_number,
    "newborn_days": values.days,
    "plan_years": values.years,
    "confirm_likely_duplicates": values.switch,
    "smallest_cell": values.whole_number,
    **dict.fromkeys(("admins_see_clinical", "restricted_in_own_ward"), values.switch),
    **dict.fromkeys(("read_snapshot", "single_flight", "fast_executor"), values.switch),
    "checkpoint_seconds": values.number,
    "retention_days": values.days,
    "key_backup_days": values.days,
    "health_seconds": values.number,
    "health_port": values.port,
    "board_flags": values.flag_kinds,
    "allowed_origins": values.origins,
    "slow_client_seconds": values.number,
}
