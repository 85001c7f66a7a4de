"""Role-based access control: the roles, the groups of roles, and what each group is allowed.

A command names its group where it is defined (``@command(roles=...)``); queries, kinds of data and
labels name theirs here. What is named nowhere is allowed to nobody. Commands are checked by
`application.command_pipeline`, so for every client alike; queries and data where a GraphQL operation
begins (`api.graphql.extensions.authorization`). ``docs/access.md`` shows the whole as one matrix.

A new role is a member of `Role` and its name in each group that it joins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from application.authorization.role import Role as Role
from domain.described_enum import DescribedEnum
from domain.envelope import Actor
from domain.refusals import NotAllowed

Roles = frozenset[Role]

# -- groups --

EVERYONE: Roles = frozenset(Role)
"""Each login. A new role begins with what is allowed to this group."""

ADMINISTRATION: Roles = frozenset({Role.ADMIN})
SYSTEMS = ADMINISTRATION | {Role.SERVICE}
"""Administrators, and the programs of other systems."""

PRESCRIBERS = SYSTEMS | {Role.PHYSICIAN}
PHARMACY = PRESCRIBERS | {Role.PHARMACIST}
MEDICATION = PHARMACY | {Role.NURSE}
CLINICAL = SYSTEMS | {Role.NURSE, Role.PHYSICIAN}
FRONT_DESK = CLINICAL | {Role.REGISTRAR}
PATIENT_FLOW = FRONT_DESK | {Role.BED_MANAGER}
HOUSEKEEPING = SYSTEMS | {Role.BED_MANAGER, Role.NURSE}
WARD_STAFF = CLINICAL | HOUSEKEEPING
BED_MANAGEMENT = SYSTEMS | {Role.BED_MANAGER}

RECORDS_OFFICE = ADMINISTRATION | {Role.REGISTRAR, Role.PRIVACY_OFFICER}
PRIVACY = ADMINISTRATION | {Role.PRIVACY_OFFICER}
DEMOGRAPHICS = RECORDS_OFFICE | SYSTEMS
ANALYSIS = SYSTEMS | {Role.ANALYST}
OVERSIGHT = ADMINISTRATION | {Role.AUDITOR, Role.PRIVACY_OFFICER}
EMERGENCY_ACCESS = RECORDS_OFFICE | {Role.NURSE, Role.PHYSICIAN, Role.PHARMACIST, Role.BED_MANAGER}

IDENTITY_READERS = PATIENT_FLOW | MEDICATION | OVERSIGHT
CLINICAL_READERS = MEDICATION | {Role.PRIVACY_OFFICER}
FLOW_READERS = PATIENT_FLOW | OVERSIGHT
REPORT_READERS = FLOW_READERS | ANALYSIS
ISSUE_READERS = ANALYSIS | OVERSIGHT
STATUS_READERS = ANALYSIS | {Role.AUDITOR}
RESTRICTED_READERS = SYSTEMS | OVERSIGHT | {Role.REGISTRAR, Role.PHYSICIAN}
VERY_RESTRICTED_READERS = SYSTEMS | OVERSIGHT

# -- what is allowed to them --

QUERIES: Mapping[str, Roles] = {
    "viewer": EVERYONE,
    "hospital": EVERYONE,
    "patient": EVERYONE,
    "patients": IDENTITY_READERS,
    "likely_duplicates": IDENTITY_READERS,
    "stay": EVERYONE,
    "stays": EVERYONE,
    "node": EVERYONE,
    "node_as_of": EVERYONE,
    "practitioners": EVERYONE,
    "wards": EVERYONE,
    "ward": EVERYONE,
    "room": EVERYONE,
    "expected_arrival": EVERYONE,
    "expected_arrivals": EVERYONE,
    "room_occupancy": EVERYONE,
    "beds": EVERYONE,
    "house_totals": EVERYONE,
    "house_totals_changed": EVERYONE,
    "occupancy_history": EVERYONE,
    "prescription": CLINICAL_READERS,
    "timeline": CLINICAL_READERS,
    "late_entries": CLINICAL_READERS,
    "course": CLINICAL_READERS,
    "stay_difference": CLINICAL_READERS,
    "occupancy_difference": CLINICAL_READERS,
    "exposure": CLINICAL_READERS,
    "deceased": IDENTITY_READERS,
    "open_consults": CLINICAL_READERS,
    "doses_due": CLINICAL_READERS,
    "doses_due_changed": CLINICAL_READERS,
    "pending_movements": FLOW_READERS,
    "command": EVERYONE,
    "projections": STATUS_READERS,
    "report_definitions": EVERYONE,
    "report": REPORT_READERS,
    "report_bundle": REPORT_READERS,
    "report_issues": ISSUE_READERS,
    "report_issue": ISSUE_READERS,
    "accesses": OVERSIGHT,
    "events": SYSTEMS,
    "timeline_extended": CLINICAL_READERS,
    "room_occupancy_changed": EVERYONE,
    "introspection": SYSTEMS,
}
"""Queries and subscriptions, by their names in Python, and the introspection of the schema."""

DATA: Mapping[str, Roles] = {
    "data:house": EVERYONE,
    "data:figures": EVERYONE,
    "data:closures": WARD_STAFF,
    "data:issues": ISSUE_READERS,
    "data:stay": EVERYONE,
    "data:identity": IDENTITY_READERS,
    "data:clinical": CLINICAL_READERS,
    "data:audit": OVERSIGHT,
}
"""Kinds of data, wherever they appear: the house and its staff, figures, what staff wrote of why a bed
is closed, issued reports and the causes of their changes, the course of stays, identities of patients,
findings with prescriptions and doses, and the access log."""

LABELS: Mapping[str, Roles] = {
    "label:restricted": RESTRICTED_READERS,
    "label:restricted_in_own_ward": frozenset({Role.NURSE}),
    "label:very_restricted": VERY_RESTRICTED_READERS,
}
"""Confidentiality labels: data that carry one are hidden from every other role. In the beds of a login's
own wards the first is open to one more role, unless the house says otherwise."""

MAY: dict[str, Roles] = {**QUERIES, **DATA, **LABELS}
"""The roles that are allowed each query, kind of data and label; and, once
`application.hospital` is imported, each command."""


def grant(command: str, roles: Roles) -> None:
    """Allow a command to roles. Called once per command, by its declaration."""
    assert command not in MAY, f"{command} is declared twice"
    MAY[command] = roles


def permission_for(kind: str) -> str:
    """Return the kind of data that a stream is of, by the first part of its topics."""
    return {"prescription": "data:clinical", "report": "data:issues"}.get(kind, "data:stay")


def may(role: str, permission: str) -> bool:
    """Return whether a role may give a command, run a query or see a kind of data."""
    return role in MAY.get(permission, frozenset())


def check_command(by: Actor, command: str) -> None:
    """Refuse a command that the role may not give. Raises NotAllowed."""
    if not may(by.role, command):
        raise NotAllowed(f"The role {by.role} may not give this command")


class Purpose(DescribedEnum):
    """The purpose of a reading of patients' data (HL7 v3 PurposeOfUse)."""

    TREATMENT = "treatment", "To treat the patient."
    EMERGENCY = "emergency", "To treat the patient in an emergency."
    ADMINISTRATION = "administration", "To run the hospital."
    QUALITY = "quality", "To see and improve the quality of care."
    PUBLIC_HEALTH = "public_health", "Duties of public health."
    RESEARCH = "research", "Research."
    PATIENT_REQUEST = "patient_request", "The patient asks for it."
    LEGAL = "legal", "Duties of law."


@dataclass(frozen=True, slots=True)
class Caller:
    """A login: its actor, its wards (None: the whole house), its end, and its purpose."""

    actor: Actor
    wards: frozenset[str] | None
    ends: datetime
    purpose: Purpose = Purpose.TREATMENT
    token_id: str | None = None
    """The id of the token (``jti``), where it has one."""
    address: str | None = None
    """The address of the client."""
    issued_at: datetime | None = None
    """Moment at which the token was issued, where it says so."""
    scopes: frozenset[str] = frozenset()
    """Scopes of the token (OAuth 2.0), which may narrow what it is for."""

    @property
    def seconds_left(self) -> float:
        """Return the seconds until the login ends, by this machine's clock; 0 or less once it has."""
        return (self.ends - datetime.now(UTC)).total_seconds()

    @property
    def role(self) -> Role:
        return Role(self.actor.role)
