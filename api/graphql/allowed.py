"""Which kind of data each type of the schema shows; and the one place where an operation is let in.

Before anything runs, all that an operation names is held against the table of roles
(`application.access`). What is not named here nobody may see.
"""

from collections.abc import Iterator, Mapping
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

from api.graphql.context import Context
from application.access import may
from domain.refusals import NotAllowed

HOUSE = """
    Bed BedDifference Node PageInfo Practitioner PractitionerConnection PractitionerEdge Room
    RoomOccupancy Ward
    CommandOutcome Parked ParkedCommand Projection
    HospitalTimeRecorded PatientRecorded PractitionerRecorded PrescriptionRecorded Recorded
    RecordedNotYetReadable RoomRecorded StayRecorded VisitRecorded
    AlreadyExists BedNotOpen BedOccupied BedStateBroken CommandIdReused ContradictsLaterFacts Fact
    InFuture InvalidInput MergeImpossible MovementNotFound NotAllowed NotFound OutsideStay
    PatientAlreadyAdmitted PatientDied PrescriptionStateBroken ReasonNeeded Refusal
    RoomPolicyBroken SharersUnplaced StayNotOpen StayStateBroken VersionConflict
"""
"""The house, its staff and the record itself; what a command's own giver hears of it."""

STAY = """
    BedOccupant OccupancyStretch Stay StayConnection StayDifference StayEdge StayPeriod
    Patient.id Patient.version Patient.confidentiality Patient.mergedInto Patient.otherRecords
    Patient.stays
"""
"""The course of stays, of patients who are not named."""

IDENTITY = "Patient PatientConnection PatientEdge"
"""Who a patient is. A cursor of patients contains names."""

CLINICAL = """
    Administration Exposure Medication Prescription Recorder Source TimelineEntry
    TimelineEntryConnection TimelineEntryEdge Visit
"""
"""What was found, prescribed and done, and by whom."""

DATA: Mapping[str, str] = MappingProxyType(
    {
        name: kind
        for kind, names in (
            ("data:house", HOUSE),
            ("data:stay", STAY),
            ("data:identity", IDENTITY),
            ("data:clinical", CLINICAL),
        )
        for name in names.split()
    }
)
"""The kind of data of each type; of a single field, as ``Type.field``, where it differs."""

ROOTS = ("Query", "Subscription")


def needed_for(type_name: str, field: str) -> str | None:
    """What somebody must be allowed to see a field; None where the application decides."""
    if field.startswith("__") or type_name.startswith("__") or type_name == "Mutation":
        return None
    if type_name in ROOTS:
        return snake(field)
    return DATA.get(f"{type_name}.{field}", DATA.get(type_name, "data without a rule"))


@lru_cache(maxsize=1000)
def needed(schema: GraphQLSchema, document: DocumentNode) -> Mapping[str, str]:
    """All that a document needs, each with a field that needs it."""
    found: dict[str, str] = {}
    types = TypeInfo(schema)

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = types.get_parent_type()
            if parent is not None:
                what = needed_for(parent.name, node.name.value)
                if what is not None:
                    found.setdefault(what, f"{parent.name}.{node.name.value}")

    visit(document, TypeInfoVisitor(types, Collect()))
    return MappingProxyType(found)


class Allowed(SchemaExtension):
    """Lets an operation in, or refuses the whole of it before anything runs. After validation."""

    def on_validate(self) -> Iterator[None]:
        asked = self.execution_context
        context = asked.context
        if asked.graphql_document is not None and not asked.pre_execution_errors:
            assert isinstance(context, Context)
            role = context.caller.role
            for what, field in needed(asked.schema._schema, asked.graphql_document).items():
                if not may(role, what):
                    told = NotAllowed(f"The role {role.value} may not see {field}")
                    error = GraphQLError(told.message, original_error=told)
                    asked.pre_execution_errors = [error]
                    break
        yield


def snake(name: str) -> str:
    """A GraphQL name as Python has it."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
