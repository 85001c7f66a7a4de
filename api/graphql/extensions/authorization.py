"""Which kind of data each type of the schema shows; and the one place where an operation is let in.

Before anything runs, all that an operation names is held against the table of roles
(`application.authorization.roles`). What is not named here nobody may see.

Each field is named, with its type before it, so that one that is added later is shown to nobody until
somebody has said what it is; types that begin a list, without their fields, are whole, since what they
hold is closed to most anyway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    visit,
)
from strawberry.extensions import SchemaExtension

from api.auth.authentication import NotLoggedIn
from api.graphql.context import Context
from application.authorization.roles import may
from domain.refusals import NotAllowed

HOUSE = """
    Bed: code state since until stateReason reservationId occupants reservedForPatient
        reservedForStay stay patient
    BedDifference: room before after facts
    Node: id
    PageInfo: hasNextPage hasPreviousPage startCursor endCursor
    Practitioner: id staffNumber familyName givenName grade gradeFrom specialty version
    PractitionerConnection: edges pageInfo nodes
    PractitionerEdge: cursor node
    Room: id ward number policies version parked beds
    RoomOccupancy: room beds
    Ward: name
    CommandOutcome: commandId operation position recordedAt
    Parked: commandId position recordedAt message readModels
    ParkedCommand: commandId operation position error
    Projection: name position lag lagSeconds state parked parkedCommands
    GlassBroken: commandId position recordedAt patient until
    HospitalTimeRecorded: commandId position recordedAt timeZone
    PatientRecorded: commandId position recordedAt patient
    PractitionerRecorded: commandId position recordedAt practitioner
    PrescriptionRecorded: commandId position recordedAt prescription stay
    Recorded: commandId position recordedAt
    RecordedNotYetReadable: commandId position recordedAt
    RoomRecorded: commandId position recordedAt room
    SourceMovementRecorded: commandId position recordedAt sourceMovement stay
    StayRecorded: commandId position recordedAt stay withStay changedStays stillStopped
    VisitRecorded: commandId position recordedAt visit stay
    AlreadyExists: code message path
    BedNotOpen: code message path reason bed
    BedOccupied: code message path byStay bed
    BedStateBroken: code message path
    CommandIdReused: code message path
    ContradictsLaterFacts: code message path facts
    Fact: id kind occurredAt stay
    InFuture: code message path now
    InvalidInput: code message path field
    MergeImpossible: code message path stays
    MovementNotFound: code message path
    NotAllowed: code message path
    NotFound: code message path
    OutsideStay: code message path
    PatientAlreadyAdmitted: code message path stay
    PatientDied: code message path diedAt
    PrescriptionStateBroken: code message path
    ReasonNeeded: code message path
    Refusal: code message path
    RoomPolicyBroken: code message path policy
    SharersUnplaced: code message path stays
    StayNotOpen: code message path
    StayStateBroken: code message path
    VersionConflict: code message path expected actual
"""
"""The house, its staff and the record itself; what a command's own giver hears of it."""

STAY = """
    RoomOccupancyChange: position rooms
    BedOccupant: since kept sharesBedOf stay patient
    OccupancyStretch: bed since until kept sharesBedOf room stay patient
    SourceMovement: id system sourceId sourceVisit sourceRecordedAt cancelled kind occurredAt
        reportedAt status why movementId patient stay
    SourceMovementConnection: edges pageInfo nodes
    SourceMovementEdge: cursor node
    Stay: id status admissionType admittedAt decidedToAdmitAt dischargedAt specialty bed
        sharesBedOf withoutBed bedKept expectedReturn dischargePlan expectedDischarge disposition
        destination confidentiality version parked patient attending room visits prescriptions
    StayConnection: edges pageInfo nodes
    StayDifference: before after facts
    StayEdge: cursor node
    StayPeriod: since until stay
    ReportFact: position kind stayId patientId roomId occurredAt recordedAt minutesLate
    Patient: id confidentiality version mergedInto otherRecords stays
"""
"""The course of stays, of patients who are not named."""

FIGURES = """
    ReportRecorded: commandId position recordedAt issue
    Report: definition parameters period ward position digest canonical figures parked
    ReportDays: from to
    ReportDefinition: name version title formula source figures parameters
    ReportFigure: name of unit value exact shown
    ReportFigureDefinition: name unit meaning
    ReportFigureOf: name value
    ReportParameter: name value meaning
"""
"""Figures, and what they mean."""

ISSUES = """
    Exposure: reports
    ReportCause: subject id facts closed
    ReportChange: name of unit old new oldShown newShown causes
    ReportIssue: id report issuedAt recordedBy reason version restatements
    ReportIssueConnection: edges pageInfo nodes
    ReportIssueEdge: cursor node
    ReportRestatement: id report restatedAt recordedBy reason changes
"""
"""Reports that were given out, whichever way leads to them, and whose changes changed them."""

IDENTITY = """
    Patient: mrn mrnAuthority familyName givenName birthDate sex diedAt
    PatientConnection: edges pageInfo nodes
    PatientEdge: cursor node
"""
"""Who a patient is. A cursor of patients contains names."""

AUDIT = "Access AccessConnection AccessEdge"
"""Who read whose data."""

CLINICAL = """
    Event EventConnection EventEdge Administration Medication Prescription Recorder Source
    TimelineEntry TimelineEntryConnection TimelineEntryEdge Visit
    ReportFact: summary recordedBy performedBy reason
    Exposure: wrongFrom wrongTo wrong decided
"""
"""What was found, prescribed and done, and by whom."""


def _named(listed: str) -> Iterator[str]:
    """``Type`` for a whole type, ``Type.field`` for each field named after its type."""
    within = ""
    for word in listed.split():
        if word.endswith(":"):
            within = f"{word[:-1]}."
        else:
            yield within + word


DATA: Mapping[str, str] = MappingProxyType(
    {
        name: kind
        for kind, listed in (
            ("data:house", HOUSE),
            ("data:figures", FIGURES),
            ("data:issues", ISSUES),
            ("data:stay", STAY),
            ("data:identity", IDENTITY),
            ("data:clinical", CLINICAL),
            ("data:audit", AUDIT),
        )
        for name in _named(listed)
    }
)
"""The kind of data of each field, as ``Type.field``, or of a whole type."""

CACHEABLE_QUERIES = {"roomOccupancy", "wards", "stays"}
CACHEABLE_TYPES = {
    "Query", "RoomOccupancy", "Room", "Bed", "BedOccupant", "Ward",
    "Stay", "StayConnection", "StayEdge", "PageInfo", "Patient", "Practitioner",
}  # fmt: skip
"""What boards and lists of a ward are made of, which many ask for again and again: such answers may be
kept. All of it is of read models whose rows tell when they turn (`bitemporal_table`)."""

ROOTS = ("Query", "Subscription")

INTROSPECTION = ("__schema", "__type")
"""The ways into the schema. `__typename`, which clients keep answers by, is none."""


def needed_for(type_name: str, field: str) -> str | None:
    """What somebody must be allowed to see a field; None where the application decides."""
    if field in INTROSPECTION:
        return "introspection"
    if field.startswith("__") or type_name.startswith("__") or type_name == "Mutation":
        return None
    if type_name in ROOTS:
        return snake(field)
    return DATA.get(f"{type_name}.{field}", DATA.get(type_name, "data without a rule"))


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What a document asks: its operation in short, and all it needs, each with one such field."""

    operation: str
    needs: Mapping[str, str]
    types: frozenset[str]
    """The types of which fields are asked for."""

    @property
    def is_cacheable(self) -> bool:
        return self.types <= CACHEABLE_TYPES and set(self.operation.split()) <= CACHEABLE_QUERIES


@lru_cache(maxsize=1000)
def analyse_document(schema: GraphQLSchema, document: DocumentNode) -> DocumentInfo:
    """Read it once. The operation is named by its root fields, never by what the client calls it."""
    needs: dict[str, str] = {}
    roots: dict[str, None] = {}
    parents: set[str] = set()
    types = TypeInfo(schema)

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = types.get_parent_type()
            if parent is not None:
                name = node.name.value
                parents.add(parent.name)
                what = needed_for(parent.name, name)
                if what is not None:
                    needs.setdefault(what, f"{parent.name}.{name}")
                if parent.name in (*ROOTS, "Mutation"):
                    roots[name] = None

    visit(document, TypeInfoVisitor(types, Collect()))
    return DocumentInfo(" ".join(roots), MappingProxyType(needs), frozenset(parents))


class Authorization(SchemaExtension):
    """Lets an operation in, or refuses the whole of it before anything runs. After validation."""

    def on_validate(self) -> Iterator[None]:
        execution = self.execution_context
        context, document = execution.context, execution.graphql_document
        if document is not None and not execution.pre_execution_errors:
            assert isinstance(context, Context)
            try:
                context.check_login()
            except NotLoggedIn as ended:
                execution.pre_execution_errors = [GraphQLError(str(ended), original_error=ended)]
            role = context.caller.role
            question = analyse_document(execution.schema._schema, document)
            context.types, context.is_cacheable = question.types, question.is_cacheable
            for what, field in question.needs.items():
                if not may(role, what):
                    told = NotAllowed(f"The role {role.value} may not see {field}")
                    error = GraphQLError(told.message, original_error=told)
                    execution.pre_execution_errors = [error]
                    break
        yield


def snake(name: str) -> str:
    """A GraphQL name as Python has it."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
