"""Who may do what: one table of roles, commands, questions and kinds of data.

What is not in the table is allowed to nobody. Commands are checked where they are given
(`application.command_pipeline`), so the command line is held to it too; questions and data where a
GraphQL operation begins (`api.graphql.extensions.authorization`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from domain.envelope import Actor
from domain.refusals import NotAllowed


class Role(StrEnum):
    """What somebody is logged in as, in the order of the table's columns."""

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


TABLE = """
                          reg nur phy pha bed ana aud pri adm ser

# commands: who is who
register_patient          x   x   x   .   x   .   .   .   x   x
correct_patient_details   x   .   .   .   .   .   .   x   x   x
merge_patients            x   .   .   .   .   .   .   x   x   .
unmerge_patients          x   .   .   .   .   .   .   x   x   .
register_practitioner     .   .   .   .   .   .   .   .   x   x
record_death              x   x   x   .   .   .   .   .   x   x
set_hospital_time         .   .   .   .   .   .   .   .   x   .

# commands: rooms and beds
open_room                 .   .   .   .   x   .   .   .   x   x
add_bed                   .   .   .   .   x   .   .   .   x   x
set_room_policy           .   x   .   .   x   .   .   .   x   x
close_bed                 .   x   .   .   x   .   .   .   x   x
reopen_bed                .   x   .   .   x   .   .   .   x   x
start_cleaning            .   x   .   .   x   .   .   .   x   x
finish_cleaning           .   x   .   .   x   .   .   .   x   x
reserve_bed               x   x   x   .   x   .   .   .   x   x
release_reservation       x   x   x   .   x   .   .   .   x   x

# commands: stays
admit_patient             x   x   x   .   x   .   .   .   x   x
cancel_admission          x   x   x   .   .   .   .   .   x   x
change_attending          x   x   x   .   .   .   .   .   x   x
change_specialty          x   x   x   .   .   .   .   .   x   x
allocate_room             x   x   x   .   x   .   .   .   x   x
transfer_patient          x   x   x   .   x   .   .   .   x   x
swap_beds                 x   x   x   .   x   .   .   .   x   x
start_leave               x   x   x   .   .   .   .   .   x   x
end_leave                 x   x   x   .   .   .   .   .   x   x
plan_discharge            x   x   x   .   x   .   .   .   x   x
discharge_patient         x   x   x   .   .   .   .   .   x   x
cancel_discharge          x   x   x   .   .   .   .   .   x   x
cancel_movement           x   x   x   .   x   .   .   .   x   x
correct_movement          x   x   x   .   x   .   .   .   x   x
correct_facts             x   x   x   .   x   .   .   .   x   x
record_visit              x   x   x   .   .   .   .   .   x   x
amend_visit               .   x   x   .   .   .   .   .   x   x
cancel_visit              .   x   x   .   .   .   .   .   x   x

# commands: what other systems report
record_source_movement    .   .   .   .   .   .   .   .   x   x

# commands: medicines
write_prescription        .   .   x   .   .   .   .   .   x   x
change_prescription       .   .   x   x   .   .   .   .   x   x
hold_prescription         .   .   x   x   .   .   .   .   x   x
resume_prescription       .   .   x   x   .   .   .   .   x   x
stop_prescription         .   .   x   x   .   .   .   .   x   x
complete_prescription     .   x   x   x   .   .   .   .   x   x
cancel_prescription       .   .   x   x   .   .   .   .   x   x
record_administration     .   x   x   x   .   .   .   .   x   x
correct_administration    .   x   x   x   .   .   .   .   x   x
cancel_administration     .   x   x   x   .   .   .   .   x   x

# commands: reports
issue_report              .   .   .   .   .   x   .   .   x   x
restate_report            .   .   .   .   .   x   .   .   x   x

# commands: the record itself
break_glass               x   x   x   x   x   .   .   x   x   .
skip_command              .   .   .   .   .   .   .   .   x   .
retry_parked              .   .   .   .   .   .   .   .   x   .

# questions
patient                   x   x   x   x   x   x   x   x   x   x
patients                  x   x   x   x   x   .   x   x   x   x
stay                      x   x   x   x   x   x   x   x   x   x
stays                     x   x   x   x   x   x   x   x   x   x
node                      x   x   x   x   x   x   x   x   x   x
practitioners             x   x   x   x   x   x   x   x   x   x
wards                     x   x   x   x   x   x   x   x   x   x
room_occupancy            x   x   x   x   x   x   x   x   x   x
occupancy_history         x   x   x   x   x   x   x   x   x   x
prescription              .   x   x   x   .   .   .   x   x   x
timeline                  .   x   x   x   .   .   .   x   x   x
stay_difference           .   x   x   x   .   .   .   x   x   x
occupancy_difference      .   x   x   x   .   .   .   x   x   x
exposure                  .   x   x   x   .   .   .   x   x   x
pending_movements         x   x   x   .   x   .   x   x   x   x
command                   x   x   x   x   x   x   x   x   x   x
projections               .   .   .   .   .   x   x   .   x   x
# questions that go on, and the feed for other systems
events                    .   .   .   .   .   .   .   .   x   x
timeline_extended         .   x   x   x   .   .   .   x   x   x
room_occupancy_changed    x   x   x   x   x   x   x   x   x   x

# the schema itself, for those who build clients
introspection             .   .   .   .   .   .   .   .   x   x

# questions about figures
report_definitions        x   x   x   x   x   x   x   x   x   x
report                    x   x   x   .   x   x   x   x   x   x
report_issues             .   .   .   .   .   x   x   x   x   x
report_issue              .   .   .   .   .   x   x   x   x   x
accesses                  .   .   .   .   .   .   x   x   x   .

# data, wherever it is shown
data:house                x   x   x   x   x   x   x   x   x   x
data:figures              x   x   x   x   x   x   x   x   x   x
data:issues               .   .   .   .   .   x   x   x   x   x
data:stay                 x   x   x   x   x   x   x   x   x   x
data:identity             x   x   x   x   x   .   x   x   x   x
data:clinical             .   x   x   x   .   .   .   x   x   x
data:audit                .   .   .   .   .   .   x   x   x   .

# data with a confidentiality label; to others it is closed
label:restricted          x   .   x   .   .   .   x   x   x   x
label:very_restricted     .   .   .   .   .   .   x   x   x   x
"""
"""Commands and questions by their names in Python; data: the house and its staff, figures, reports that
were given out and what changed them, the course of stays, who patients are, what was found, prescribed
and done, and who read it."""


def _read(table: str) -> dict[str, frozenset[Role]]:
    told: dict[str, frozenset[Role]] = {}
    for line in table.splitlines()[2:]:
        if line and not line.startswith("#"):
            name, *marks = line.split()
            told[name] = frozenset(r for r, m in zip(Role, marks, strict=True) if m == "x")
    return told


MAY = _read(TABLE)


def may(role: str, what: str) -> bool:
    """Whether a role may give a command, ask a question or see a kind of data."""
    return role in MAY.get(what, frozenset())


def check_command(by: Actor, command: str) -> None:
    """Raises NotAllowed if the role may not give that command."""
    if not may(by.role, command):
        raise NotAllowed(f"The role {by.role} may not give this command")


class Purpose(StrEnum):
    """What somebody reads patients' data for (after HL7 v3 PurposeOfUse)."""

    TREATMENT = "treatment"
    EMERGENCY = "emergency"
    ADMINISTRATION = "administration"
    QUALITY = "quality"
    PUBLIC_HEALTH = "public_health"
    RESEARCH = "research"
    PATIENT_REQUEST = "patient_request"
    LEGAL = "legal"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is logged in, for which wards (None: the whole house), until when, and what for."""

    actor: Actor
    wards: frozenset[str] | None
    ends: datetime
    purpose: Purpose = Purpose.TREATMENT

    @property
    def seconds_left(self) -> float:
        """Until the login ends, by the clock of this machine; not above 0 when it has."""
        return (self.ends - datetime.now(UTC)).total_seconds()

    @property
    def role(self) -> Role:
        return Role(self.actor.role)
