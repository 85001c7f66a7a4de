"""A record with canaries, and documents that ask for all that a role may ask for.

Each patient's names, notes, reasons and drugs are words that stand nowhere else. Which of them a
login may see is said here in a few lines, apart from how the program decides it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    is_leaf_type,
)

from api.graphql.extensions.authorization import needed_for
from api.graphql.schema import schema
from application.authorization.roles import Role, may
from application.authorization.scope import hidden_labels
from application.reports.registry import newest_definitions
from tests.support.api_dsl import Ward, ago, late, place

KINDS = {
    "identity": "data:identity",
    "clinical": "data:clinical",
    "closure": "data:closures",
    "id": "data:stay",
}


@dataclass(frozen=True)
class Canary:
    """A word or id of a patient's record: of which ward, with which label, and of which kind."""

    word: str
    kind: str
    ward: str
    label: str = "NORMAL"

    def is_open_to(self, role: Role, wards: tuple[str, ...]) -> bool:
        return (
            may(role, KINDS[self.kind])
            and self.label not in hidden_labels(role)
            and (not wards or self.ward in wards)
        )


@dataclass
class Planted:
    """The canaries, and all by which one can ask for them."""

    canaries: list[Canary] = field(default_factory=list)
    given: dict[str, list[Any]] = field(default_factory=dict)
    """Values of arguments and inputs, by name."""

    def forbidden(self, role: Role, wards: tuple[str, ...]) -> set[str]:
        return {c.word for c in self.canaries if not c.is_open_to(role, wards)}

    of: dict[str, set[str]] = field(default_factory=dict)
    """The words and ids that are of one patient, by MRN."""

    def told_of(self, answer: Any, given: Any) -> set[str]:
        """Return the MRNs of whom an answer tells anything that its question did not."""
        asked, result = json.dumps(given), json.dumps(answer)
        return {
            mrn
            for mrn, words in self.of.items()
            if any(word in result and word not in asked for word in words)
        }

    def add(self, name: str, *values: Any) -> None:
        self.given.setdefault(name, []).extend(values)


def plant(ward: Ward) -> Planted:
    """Record three patients: one open, one with a label, one of another ward; each with canaries."""
    planted = Planted()
    here, there = ward.name("Here"), ward.name("There")
    rooms = {here: ward.room("a", "b", "c", ward=here), there: ward.room("a", "b", "c", ward=there)}
    doctor = ward.doctor()
    planted.add("ward", here, there)
    for name, of, label in (
        ("Op", here, "NORMAL"),
        ("Cl", here, "VERY_RESTRICTED"),
        ("Ot", there, "NORMAL"),
    ):
        _plant_patient(ward, planted, name, rooms[of], label, "ab"[label != "NORMAL"], doctor)
        closure = f"Closure{name}"
        if label == "NORMAL":
            planted.canaries.append(Canary(closure, "closure", of))
            closed = place(f"{rooms[of]}/c")
            ward.record("closeBed", **closed, reason=f"isolation {closure}")
            planted.add("place", closed)
    issued = ward.record(
        "issueReport",
        name="inpatient-census",
        period={"from": ago(days=2)[:10], "to": ago(days=1)[:10]},
    )
    planted.add("id", issued["issue"]["id"])
    planted.add("position", issued["position"])
    planted.add("staffNumber", doctor)
    return planted


def _plant_patient(
    ward: Ward, planted: Planted, name: str, room: str, label: str, bed: str, doctor: str
) -> None:
    words = set[str]()

    def word(kind: str, says: str) -> str:
        made = f"Canary{says}{name}{ward.name('q')}"
        planted.canaries.append(Canary(made, kind, room.split("/")[0], label))
        words.add(made)
        return made

    family, given = word("identity", "Fam"), word("identity", "Giv")
    mrn = ward.patient(familyName=family, givenName=given, confidentiality=label)
    first = ward.record(
        "admitPatient",
        patientMrn=mrn,
        admissionType="EMERGENCY",
        attending=doctor,
        **place(f"{room}/{bed}"),
        occurredAt=ago(days=2),
        reason=word("clinical", "Why"),
    )
    stay = first["stay"]["id"]
    note = {"note": word("clinical", "Note"), "kind": "ROUND", "practitioner": doctor}
    visit = ward.record("recordVisit", stayId=stay, **note, **late(ago(days=1)))["visit"]["id"]
    drug = {"name": word("clinical", "Drug"), "code": word("clinical", "Code")[:40]}
    course = ward.prescription(
        stay, medication=drug, dose=word("clinical", "Dose"), schedule={"everyHours": 1}
    )
    dose = {"given": False, "reasonNotGiven": word("clinical", "Not")}
    given_dose = ward.record(
        "recordAdministration", prescriptionId=course, **dose, occurredAt=ago(minutes=9)
    )["prescription"]["administrations"][0]["id"]
    substance = {"name": word("clinical", "Sub")}
    allergy = ward.record("recordAllergy", patientMrn=mrn, substance=substance)["allergy"]["id"]
    raised = {"flagKind": "NOTE", "note": word("clinical", "Flag")}
    flag = ward.record("raiseFlag", stayId=stay, **raised)["flag"]["id"]
    amended = word("clinical", "Amended")
    ward.record("amendVisit", visitId=visit, note=amended, reason=word("clinical", "Reason"))
    result = ward.ask(
        "query($i: ID!) { stay(id: $i) { patient { id } movements { id } } }", i=stay
    )["stay"]
    movements = [m["id"] for m in result["movements"]]
    ids = stay, visit, course, given_dose, allergy, flag, result["patient"]["id"], *movements
    planted.of[mrn] = {*ids, *words}
    ward_of_room = room.split("/")[0]
    planted.canaries += [Canary(id, "id", ward_of_room, label) for id in ids]
    planted.add("id", *ids)
    planted.add("id", first["commandId"])
    planted.add("mrn", mrn)
    planted.add("search", family, given[:9], mrn)
    planted.add("stayId", stay)
    planted.add("prescriptionId", course)
    planted.add("visitId", visit)
    planted.add("administrationId", given_dose)
    planted.add("movementId", *movements)
    planted.add("place", place(f"{room}/{bed}"))


# -- documents --


def documents(kind: Any, role: Role, depth: int) -> list[str]:
    """Return selections of all fields that the role may see, one for each type that it may be."""
    kind = item(kind)
    if is_leaf_type(kind):
        return [""]
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        members = schema._schema.get_possible_types(kind)
        return [f"{{ ... on {m.name} {_selection(m, role, depth)} }}" for m in members]
    return [_selection(kind, role, depth)]


def _selection(kind: Any, role: Role, depth: int) -> str:
    parts = ["__typename"]
    for name, of in getattr(kind, "fields", {}).items():
        if not may(role, needed_for(kind.name, name) or "") or _needs_arguments(of):
            continue
        inner = item(of.type)
        if is_leaf_type(inner):
            parts.append(name)
        elif depth > 1:
            parts.append(f"{name} {_selection(inner, role, depth - 1)}")
    return f"{{ {' '.join(parts)} }}"


def _needs_arguments(of: Any) -> bool:
    return any(isinstance(a.type, GraphQLNonNull) and not a.default_value for a in of.args.values())


def item(kind: Any) -> Any:
    """Return a type without its list and non-null wrappers."""
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    return kind


def questions(planted: Planted, root: GraphQLObjectType) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each root field with each set of arguments that can be filled from the record."""
    for name, of in root.fields.items():
        needed = {a: t for a, t in of.args.items() if isinstance(t.type, GraphQLNonNull)}
        base = {a: values(planted, name, a, t.type)[0] for a, t in needed.items()}
        yield name, base
        for argument, of_argument in of.args.items():
            if argument in ("first", "after", "atLeast", "version"):
                continue
            for value in values(planted, name, argument, of_argument.type):
                yield name, {**base, argument: value}


def values(planted: Planted, field: str, name: str, kind: Any) -> list[Any]:
    """Return the values of an argument or input field."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList):
        return [[value] for value in values(planted, field, name, kind.of_type)]
    if isinstance(kind, GraphQLEnumType):
        return list(kind.values)
    if isinstance(kind, GraphQLInputObjectType):
        return [content(planted, field, kind)]
    known = planted.given.get(name) or planted.given.get(_alias(name))
    if known:
        return known
    if kind.name == "ID":
        return planted.given["id"]
    by_kind: dict[str, list[Any]] = {
        "DateTime": [ago(hours=4), ago(days=3)],
        "Date": [ago(days=1)[:10]],
        "Position": planted.given["position"],
        "Boolean": [True],
        "Int": [1],
        "Time": ["23:59"],
        "String": planted.given["mrn"],
    }
    if (field, name) == ("report", "name"):
        return REPORTS
    if name in ("to", "toKnown"):
        return [ago(minutes=1)[:10] if kind.name == "Date" else ago(minutes=1)]
    return by_kind[kind.name]


def content(planted: Planted, field: str, kind: GraphQLInputObjectType) -> dict[str, Any]:
    """Return an input with all needed fields."""
    return {
        name: values(planted, field, name, of.type)[0]
        for name, of in kind.fields.items()
        if isinstance(of.type, GraphQLNonNull)
    }


def _alias(name: str) -> str:
    if name.lower().endswith("mrn"):
        return "mrn"
    return "stayId" if name in ("withStayId", "sharesBedOf") else name


REPORTS = [definition.name for definition in newest_definitions()]
