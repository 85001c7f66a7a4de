"""Reader of one request: it asks operations of the schema, as GraphQL's own clients do.

So what a role, a ward, a label or an allowance closes there is closed here, by the same lines. What was
read is recorded once for the request, of those patients whom its response shows.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader

from api.container import AppState
from api.fhir.changes import OF_NO_RESOURCE
from api.fhir.outcome import FhirError, refused
from api.fhir.parameters import Criterion
from api.fhir.values import Json
from api.graphql.context import Context
from api.graphql.scalars import Position, decode_position, encode_position, iso_moment
from api.graphql.schema import schema
from application.authorization.roles import Caller
from domain.refusals import InvalidInput
from infrastructure.access_log import NOBODY_SHOWN, REFUSED, SUCCESS, AccessRecord
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.log import Unseen, changes_before, last_changes, recorded_at

TIMES = "asOf: $asOf, knownAt: $knownAt, knownAtPosition: $knownAtPosition"
"""The arguments by which an operation is as of the moments of the request."""

_TIME_TYPES = {"asOf": "DateTime", "knownAt": "DateTime", "knownAtPosition": "Position"}

Owners = Callable[[AsyncConnection, Sequence[UUID], AsOf], Awaitable[dict[UUID, UUID]]]
"""A query that tells of each of some things what it is a part of."""

AT_ONCE = 50
"""Things that are read by their ids in one operation."""

Variables = Mapping[str, tuple[str, Any]]
"""Type and value of each variable of an operation."""

_ROOT, _VARIABLE = re.compile(r"\w+"), re.compile(r"\$(\w+)")


@dataclass(slots=True)
class Item:
    """A resource, what it is of, and whom it shows.

    ``streams``: those of the record that it is made of; the last change of any is its version, but for
    what is ``unseen``, of which it tells nothing.
    ``follows_clock``: what of it changes as time goes by, and makes a version of it with the position.
    """

    resource: Json
    patients: Collection[str] = ()
    streams: Collection[str] = ()
    follows_clock: str | None = None
    unseen: Unseen = OF_NO_RESOURCE
    cursor: str | None = None
    holds: Collection[Criterion] = ()
    """The criteria by which it was found, so that it is not compared again."""

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])

    @property
    def id(self) -> str:
        return str(self.resource["id"])

    @property
    def name(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(slots=True)
class Readings:
    """The access records of a request's operations, in place of the access log."""

    records: list[AccessRecord] = field(default_factory=list)

    async def record(self, record: AccessRecord) -> None:
        self.records.append(record)


class Reader:
    """Reader of what one request asks for, at one moment as known at one position."""

    def __init__(self, state: AppState, caller: Caller, times: Mapping[str, str | None]) -> None:
        """Take the ``times`` asOf, knownAt and knownAtPosition, as clients give them."""
        self.caller, self._state = caller, state
        self._times = {name: value for name, value in times.items() if value}
        self._readings = Readings()
        self._operations = replace(state, access_log=self._readings)  # type: ignore[arg-type]
        self.position: Position | None = None
        """The position of the log at which all is read, once something was."""
        self.as_of: str | None = self._times.get("asOf")
        """The moment as of which all is read: when it began, where the request names none."""
        self._fields: DataLoader[tuple[str, Variables], Json] = DataLoader(
            self._ask_all, max_batch_size=AT_ONCE, cache=False
        )

    async def ask(self, field: str, **variables: tuple[str, Any]) -> Json:
        """Return the value of a root field; fields that are asked for at once are one operation.

        ``variables``: type and value. Raises FhirError.
        """
        return await self._fields.load((field, variables))

    async def ask_each(self, field: str, type: str, ids: Sequence[str]) -> list[Any]:
        """Return the value of a root field for each id (its variable ``$id``), of those that are there.

        Raises FhirError.
        """
        answers = await asyncio.gather(
            *(self.ask(field, id=(type, id)) for id in ids), return_exceptions=True
        )
        nodes = []
        for answer in answers:
            if not isinstance(answer, BaseException):
                nodes += [node for node in answer.values() if node]
            elif not (isinstance(answer, FhirError) and answer.status == 404):
                raise answer
        return nodes

    async def _ask_all(self, questions: list[tuple[str, Variables]]) -> list[Json | FhirError]:
        """Return the value of each of several root fields, or the refusal in its place."""
        distinct_questions = [
            question for n, question in enumerate(questions) if question not in questions[:n]
        ]
        selections: list[str] = []
        arguments: dict[str, tuple[str, Any]] = {}
        for n, (text, variables) in enumerate(distinct_questions):
            for name, variable in variables.items():
                text = re.sub(rf"\${name}\b", f"${name}_{n}", text)
                arguments[f"{name}_{n}"] = variable
            selections.append(f"n{n}: {text}")
        data, errors = await self._ask(" ".join(selections), arguments)
        if len(distinct_questions) > 1 and (
            data is None or any(not error.path for error in errors)
        ):
            # too costly at once, or the refusal of one empties the answers to all
            half = len(distinct_questions) // 2
            answers = await self._ask_all(distinct_questions[:half])
            answers += await self._ask_all(distinct_questions[half:])
        else:
            answers = [
                self._answer(text, f"n{n}", data, errors)
                for n, (text, _) in enumerate(distinct_questions)
            ]
        return [answers[distinct_questions.index(question)] for question in questions]

    def _answer(
        self, field: str, alias: str, data: Json | None, errors: Sequence[Any]
    ) -> Json | FhirError:
        """Return the value of a root field under an alias, or the refusal in its place."""
        own_errors = [error for error in errors if not error.path or error.path[0] == alias]
        if own_errors or data is None:
            return refused(own_errors or errors)
        root = _ROOT.match(field)
        assert root is not None
        return {root[0]: data[alias]}

    async def nodes(self, root: str, fields: str, ids: Sequence[str]) -> dict[str, Json]:
        """Return the value of a root field for each id; without those that are not there, or closed.

        What is not for the role as a whole is left out, too. Raises FhirError for one alone.
        """
        nodes: dict[str, Json] = {}
        for begin in range(0, len(ids), AT_ONCE):
            batch = dict(enumerate(ids[begin : begin + AT_ONCE]))
            selections = " ".join(f"n{n}: {root}(id: $i{n}, {TIMES}) {fields}" for n in batch)
            arguments = {f"i{n}": ("ID!", id) for n, id in batch.items()}
            data, errors = await self._ask(selections, arguments)
            if data is None or any(not error.path for error in errors):
                raise refused(errors)
            if len(ids) == 1 and errors:
                raise refused(errors)
            aliases = {error.path[0] for error in errors}
            nodes |= {
                id: data[f"n{n}"]
                for n, id in batch.items()
                if data[f"n{n}"] and f"n{n}" not in aliases
            }
        return nodes

    async def owners(self, query: Owners, ids: Sequence[str]) -> dict[str, str]:
        """Return the owner of each of some things, under which GraphQL shows it."""
        context = Context(self._operations, self.caller)
        moments = {
            name: datetime.fromisoformat(t) for name, t in self._times.items() if t[4] == "-"
        }
        position = self._times.get("knownAtPosition") or self.position
        at = await context.at(
            moments.get("asOf"),
            moments.get("knownAt"),
            None if "knownAt" in moments or position is None else Position(position),
        )
        owners = await context.query(query, [UUID(id) for id in ids if is_uuid(id)], at)
        return {str(part): str(owner) for part, owner in owners.items()}

    async def finish(self, items: Sequence[Item]) -> None:
        """Give resources their versions."""
        streams = defaultdict[Unseen, set[UUID]](set)
        for item in items:
            streams[item.unseen].update(map(UUID, item.streams))
        if not any(streams.values()):
            return
        async with self._state.engine.connect() as connection:
            changes = {
                unseen: await last_changes(connection, sorted(ids), self._known, unseen)
                for unseen, ids in streams.items()
            }
        for item in items:
            by_stream = changes[item.unseen]
            its = [by_stream[id] for s in item.streams if (id := UUID(s)) in by_stream]
            if its:
                last = max(its, key=lambda change: change.position)
                version = self._version(last.position)
                if item.follows_clock:
                    version += f"-{item.follows_clock}"
                meta = item.resource.setdefault("meta", {})
                meta |= {"versionId": version, "lastUpdated": iso_moment(last.recorded_at)}

    async def versions(self, item: Item, before: int | None, first: int) -> list[int]:
        """Return the positions at which a resource changed, the latest first."""
        position = self._known if before is None else min(before - 1, self._known)
        streams = [UUID(stream) for stream in item.streams]
        async with self._state.engine.connect() as connection:
            return await changes_before(connection, streams, position, first, item.unseen)

    async def changed_twice_since(self, item: Item, moment: datetime) -> bool:
        """Return whether a resource changed more than once since a moment."""
        positions = await self.versions(item, None, 2)
        if len(positions) < 2:
            return False
        async with self._state.engine.connect() as connection:
            changed_at = await recorded_at(connection, positions[1])
        return changed_at is not None and changed_at >= moment

    async def is_recorded(self, position: int) -> bool:
        """Return whether the log has got to a position. Raises FhirError while nobody can tell."""
        known_position = encode_position(self._state.log.id, self._state.log.epoch, position)
        try:
            await Context(self._operations, self.caller).at(known_at_position=known_position)
        except InvalidInput:
            return False
        return True

    def at_version(self, position: int, as_of: str | None = None) -> "Reader":
        """Return the reader of the same request as known at another position, as of a moment."""
        log, times = self._state.log, dict(self._times)
        if as_of is not None:
            times["asOf"] = as_of
        times.pop("knownAt", None)
        times["knownAtPosition"] = encode_position(log.id, log.epoch, position)
        other = Reader(self._state, self.caller, times)
        other._readings, other._operations = self._readings, self._operations
        return other

    async def record(self, operation: str, shown: Sequence[Item]) -> None:
        """Record what was read and refused, durably. Raises what the database raises."""
        patients = {id for item in shown for id in item.patients}
        ids_shown = {stream for item in shown for stream in (item.id, *item.streams)}
        ids_shown |= {id for item in shown for id in _ids_referred_to(item.resource)}
        readings = [r for r in self._readings.records if r.outcome == SUCCESS]
        entries = [r for r in self._readings.records if r.outcome != SUCCESS]
        if readings and (read := {p for r in readings for p in r.patients if str(p) in patients}):
            entries.append(
                replace(
                    readings[0],
                    patients=frozenset(read),
                    opened=frozenset(p for r in readings for p in r.opened) & read,
                    resources={id for r in readings for id in r.resources if str(id) in ids_shown},
                    entity=None,
                )
            )
        elif not entries and not shown and self.position is not None:
            context = Context(self._operations, self.caller)
            reading = readings[0] if readings else context.reading(operation, ())
            entries.append(
                replace(reading, patients=(), opened=(), resources=(), entity=NOBODY_SHOWN)
            )
        self._readings.records.clear()
        for entry in entries:
            await self._state.access_log.record(replace(entry, operation=operation))

    async def record_refusal(self, operation: str, code: str) -> None:
        """Record that a request was refused before anything was read."""
        reading = Context(self._operations, self.caller).reading(operation, ())
        await self._state.access_log.record(replace(reading, outcome=REFUSED, entity=code))

    def may(self, right: str) -> bool:
        """Return whether who asks has a right in this house."""
        return Context(self._operations, self.caller).may(right)

    @property
    def smallest_cell(self) -> int:
        """Return the number of persons who may be told as a number alone."""
        return self._state.settings.smallest_cell

    @property
    def _known(self) -> int:
        assert self.position is not None, "nothing was read"
        log = self._state.log
        return decode_position(self.position, log.id, log.epoch, "position")

    def known_at(self, position: Position) -> str:
        """Return a position of the log as a version."""
        log = self._state.log
        return self._version(decode_position(position, log.id, log.epoch, "position"))

    def _version(self, position: int) -> str:
        """Return the version of a resource that changed last at a position.

        After a restore others have the positions of what was recorded since its backup, so the epoch
        is part of a version from the second on.
        """
        epoch = self._state.log.epoch
        return f"{position}.{epoch}" if epoch > 1 else str(position)

    async def _ask(self, fields: str, variables: Variables) -> tuple[Json | None, Sequence[Any]]:
        times: dict[str, str | None] = {**self._times}
        if self.position and not times.keys() & {"knownAt", "knownAtPosition"}:
            times["knownAtPosition"] = self.position
        values = {name: (type, times.get(name)) for name, type in _TIME_TYPES.items()}
        names = set(_VARIABLE.findall(fields))
        values = {n: v for n, v in {**values, **variables}.items() if n in names}
        declaration = ", ".join(f"${name}: {type}" for name, (type, _) in values.items())
        context = Context(self._operations, self.caller)
        result = await schema.execute(
            f"query{f'({declaration})' if declaration else ''} {{ {fields} }}",
            variable_values={name: value for name, (_, value) in values.items()},
            context_value=context,
        )
        if self.position is None and result.extensions:
            self.position = result.extensions.get("position")
            if self.position is not None and self.as_of is None:
                self.as_of = iso_moment((await context.log_status()).now)
        if result.data is None and not result.errors:
            raise FhirError(500, "exception", "Internal error; it was logged.")
        return result.data, result.errors or ()


def _ids_referred_to(value: Any) -> Iterator[str]:
    """Yield the ids of the references in a resource, or in a part of one."""
    if isinstance(value, list):
        for item in value:
            yield from _ids_referred_to(item)
    elif isinstance(value, dict):
        if isinstance(reference := value.get("reference"), str):
            yield reference.rpartition("/")[2]
        for item in value.values():
            yield from _ids_referred_to(item)


def is_uuid(id: str) -> bool:
    """Return whether an id is one of ours, as it is written."""
    try:
        return str(UUID(id)) == id
    except ValueError:
        return False
