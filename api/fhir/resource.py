"""Base of the resources: what each declares, from which routes and CapabilityStatement are made."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, ClassVar

from api.fhir.outcome import FhirError, NotForRole
from api.fhir.parameters import COMMON, Criterion, Kind, Parameter, whole_number
from api.fhir.reader import TIMES as TIMES
from api.fhir.reader import Item as Item
from api.fhir.reader import Reader as Reader
from api.fhir.reader import is_uuid as is_uuid
from api.fhir.smart import check_scope
from api.fhir.values import Json

Criteria = Mapping[str, Sequence[Criterion]]
"""Criteria of a search, by the names of parameters."""

PAGE, MOST = 50, 100
"""The default of ``_count``, and its most."""


class Resource:
    """One type of resources. A subclass names its page of the specification, and how it is read."""

    type: ClassVar[str]
    specification: ClassVar[str]
    documentation: ClassVar[str]
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    right: ClassVar[str] = "data:clinical"
    """The right without which a role is told nothing of this type."""
    needed: ClassVar[tuple[str, ...]] = ()
    """Parameters of which a search needs one."""
    reverse: ClassVar[tuple[str, ...]] = ()
    """References by which it is found among few, so that it may be included with what they name."""
    has_versions: ClassVar[bool] = True
    has_time: ClassVar[bool] = True
    """True if it tells when it was last recorded."""
    follows_clock: ClassVar[bool] = False
    """True if it has other versions as time goes by, so that none is known by its time alone."""
    root: ClassVar[str]
    """The query that gives one by its id, and below what it is asked of it."""
    fields: ClassVar[str]

    @property
    def searched_by(self) -> dict[str, Parameter]:
        common = COMMON if self.has_time else {"_id": COMMON["_id"]}
        return {**common, **self.parameters}

    @property
    def includes(self) -> dict[str, Parameter]:
        """Return the parameters by which resources are included."""
        return {n: p for n, p in self.parameters.items() if p.kind is Kind.REFERENCE}

    async def item(self, reader: Reader, node: Json) -> Item:
        """Return the resource of what GraphQL gave."""
        raise NotImplementedError

    async def by_ids(self, reader: Reader, ids: Sequence[str]) -> list[Item]:
        """Return those that are there, in the order of their ids."""
        uuids = [id for id in dict.fromkeys(ids) if is_uuid(id)]
        nodes = await reader.nodes(self.root, f"{{ {self.fields} }}", uuids) if uuids else {}
        return [await self.item(reader, nodes[id]) for id in uuids if id in nodes]

    def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        """Yield candidates in a fixed order, from a cursor on; each has its cursor."""
        raise NotImplementedError

    def check(self, criteria: Criteria) -> None:
        """Refuse a search that names none of the parameters that it needs. Raises FhirError."""
        names_with_value = {
            n for n, of_name in criteria.items() if any(not c.modifier for c in of_name)
        }
        if self.needed and names_with_value.isdisjoint((*self.needed, "_id")):
            names = ", ".join((*self.needed, "_id"))
            raise FhirError(400, "required", f"Search {self.type} by one of: {names}.")

    async def pages(
        self,
        reader: Reader,
        list: str,
        fields: str,
        first: int,
        after: str | None,
        parent: str | None = None,
        **variables: Any,
    ) -> AsyncIterator[tuple[str, Json]]:
        """Yield the nodes of a list in pages, with their cursors.

        ``list``: the field with its arguments but for the page, open at their end. ``parent``: the
        field that has it, where it is no query; what is not there has none.
        """
        while True:
            beginning = list + ("(" if list[-1] not in "(," else " ")
            query_text = f"{beginning}first: {first}, after: $after)"
            query_text += f" {{ edges {{ cursor node {{ {fields} }} }}"
            query_text += " pageInfo { hasNextPage endCursor } }"
            if parent is not None:
                query_text = f"{parent} {{ {query_text} }}"
            data = await reader.ask(query_text, after=("String", after), **variables)
            (page,) = data.values()
            if parent is not None:
                if page is None:
                    return
                (page,) = page.values()
            for edge in page["edges"]:
                yield edge["cursor"], edge["node"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]


def check_type(reader: Reader, resource: Resource) -> None:
    """Refuse a type of which scopes or role leave nothing, before anything of it is looked up.

    What is closed and what is not there have then the same answer. Raises TypeClosed.
    """
    check_scope(reader.caller, resource.type)
    if not reader.may(resource.right):
        role = reader.caller.role.value
        raise NotForRole(403, "forbidden", f"The role {role} may not see this: {resource.type}.")


class Part(Resource):
    """One type of resources that GraphQL tells as parts of something else: a dose of a prescription."""

    holds: ClassVar[tuple[str, ...]]
    """Parameters by which what is searched through was found."""

    async def owners(self, reader: Reader, ids: Sequence[str]) -> Mapping[str, str]:
        """Return the owner of each of some parts, by the part's id."""
        raise NotImplementedError

    async def nodes_of(self, reader: Reader, criteria: Criteria) -> Sequence[Json]:
        """Return the owners whose parts are searched through."""
        raise NotImplementedError

    def parts(self, node: Json) -> list[Item]:
        """Return the parts of something."""
        raise NotImplementedError

    async def by_ids(self, reader: Reader, ids: Sequence[str]) -> list[Item]:
        owners = await self.owners(reader, ids)
        nodes = await reader.nodes(self.root, f"{{ {self.fields} }}", sorted(set(owners.values())))
        items = {item.id: item for node in nodes.values() for item in self.parts(node)}
        return [items[id] for id in dict.fromkeys(ids) if id in items]

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        if ids is not None:
            items = await self.by_ids(reader, ids)
        else:
            nodes = await self.nodes_of(reader, criteria)
            items = [item for node in nodes for item in self.parts(node)]
        holds = held(criteria, *self.holds) if ids is None else ()
        async for item in in_order(items, after, holds):
            yield item


async def in_order(
    items: Sequence[Item], after: str | None, holds: Collection[Criterion] = ()
) -> AsyncIterator[Item]:
    """Yield the items after a cursor, which is the number of an item in their order."""
    begin = 0 if after is None else whole_number("_after", after) + 1
    for number, item in enumerate(items[begin:], begin):
        item.cursor, item.holds = str(number), holds
        yield item


def ids_asked(criteria: Criteria) -> Sequence[str] | None:
    """Return the ids that a search names; None where it names none."""
    ids = (criterion.values for criterion in criteria.get("_id", ()) if not criterion.modifier)
    return next(ids, None)


def one(criteria: Criteria, *names: str) -> str | None:
    """Return the value of the first of some parameters that has one alone."""
    values = (c.one for name in names for c in criteria.get(name, ()))
    return next((value for value in values if value), None)


def ids_of(criteria: Criteria, *names: str) -> list[str]:
    """Return the ids that the first of some parameters names."""
    values = (c.values for name in names for c in criteria.get(name, ()) if not c.modifier)
    return list(dict.fromkeys(value.rpartition("/")[2] for value in next(values, ())))


def held(criteria: Criteria, *names: str) -> list[Criterion]:
    """Return the criteria that all meet what the first of some parameters finds: those of its values."""
    criteria_given = [c for name in names for c in criteria.get(name, ()) if not c.modifier]
    return [c for c in criteria_given if c.values == criteria_given[0].values]


def held_alone(criteria: Criteria, *names: str) -> list[Criterion]:
    """Return the criteria that all meet `one` of some parameters."""
    value = one(criteria, *names)
    return [c for name in names for c in criteria.get(name, ()) if value and c.one == value]


def id_of(reference: str | None) -> str | None:
    return reference.rpartition("/")[2] if reference else None
