"""Who may do what."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.entry import Actor


class Role(StrEnum):
    """What somebody is logged in as."""

    REGISTRAR = "registrar"
    NURSE = "nurse"
    PHYSICIAN = "physician"
    PHARMACIST = "pharmacist"
    BED_MANAGER = "bed_manager"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy_officer"
    ADMIN = "admin"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is logged in, for which wards (None: the whole house), and until when."""

    actor: Actor
    wards: frozenset[str] | None
    ends: datetime

    @property
    def role(self) -> Role:
        return Role(self.actor.role)
