"""Batch projection: fill read models from the log, rows and position in one transaction.

The same code fills the live tables, a read model that is behind, and the draft of a rebuild. A batch is
projected by all read models at once; only one in which something fails is projected again one by one
(`infrastructure.projections.dead_letters`).
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import cast
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import IntegrityError
from domain.patient import Patient
from domain.projection_control import ProjectionControl
from infrastructure.event_store.log_reader import ADD_KEY_ACTS
from infrastructure.event_store.mapper import EventMapper, NewerEvent, ParkingMapper, is_known
from infrastructure.postgres.database import PLAN_BY_INDEX
from infrastructure.postgres.migrated import NotMigrated, tables_comment
from infrastructure.projections.batch_reader import (
    BatchReader,
    BatchSource,
    BatchStatus,
    LogRewound,
)
from infrastructure.projections.dead_letters import (
    EventRow,
    Halted,
    IsolatingProjector,
    ProjectionTarget,
    event_reader,
    is_permanent,
    skipped_commands,
)
from infrastructure.projections.projection import EventPosition, ReadModel
from infrastructure.read_models import READ_MODELS
from infrastructure.sealing.erasures import destroy_keys
from infrastructure.sealing.subjects import OF_PERSON

BATCH = 1_000
"""Events in one transaction, at least; a batch ends where a command ends."""

PIPELINED = 40
"""Events in a batch, at most, whose rows are written in a pipeline: its statements are sent together
and waited for once. More rows are written faster by COPY, which waits for each table."""

BATCH_LOCK = 1463898722, 4
"""Held by each batch of the live tables, and by a rebuild while it switches tables."""

HEARTBEAT = "10 s"
"""Age of a read model's ``alive_at`` at which an idle projector renews it.

Each renewal empties the response cache, as every write to a read model's status does.
"""

MEASURED = 64
"""Events after which the live tables are measured again (docs/adr/0089)."""

END = 2**63 - 1

LIVE = tuple(ProjectionTarget(model, str(model.metadata.schema)) for model in READ_MODELS)


class BatchFailed(IntegrityError):
    """Something in a batch cannot be projected."""


Project = Callable[[Sequence[ProjectionTarget], Sequence[EventRow]], None]


class BatchProjector:
    """Projects the log into some read models, on one connection."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        targets: Sequence[ProjectionTarget] = LIVE,
        on_progress: Callable[[int], None] | None = None,
        mapper: EventMapper | None = None,
        batch: int | None = None,
    ) -> None:
        self._connection, self._targets, self._batch_size = connection, targets, batch
        self._on_progress = on_progress
        self._mapper = mapper or EventMapper()
        self._models: dict[str, ReadModel] = {}
        self._halted: set[str] = set()
        self._has_keys = False
        self.reached = 0
        """The position at which the last batch ended; 0 before the first."""
        self._measured = -MEASURED
        live_schemas = {t.schema for t in LIVE}
        self._is_live = all(t.schema in live_schemas for t in targets)
        self._watched = LIVE if self._is_live else tuple(targets)
        self._reader = BatchReader(connection, targets, self._watched)

    def prepare(self) -> None:
        """Give each read model a status in this log if it has none.

        Raises LogRewound; NotMigrated where another program made its tables: rows of this one in
        them would lack what that one shows.
        """
        self._connection.execute(PLAN_BY_INDEX)
        # What a crash takes back with the position is filled again from the log.
        self._connection.execute("SET synchronous_commit = off")
        self._models, self._halted = {}, set()
        for target in self._targets:
            self._connection.execute(
                "INSERT INTO projections.status (read_model, log_id, epoch, position, alive_at)"
                " SELECT %s, log_id, epoch, 0, clock_timestamp() FROM record.log"
                " ON CONFLICT DO NOTHING",
                [target.schema],
            )
            status = self._connection.execute(
                "SELECT FROM projections.status s, record.log l WHERE s.read_model = %s"
                " AND (s.log_id, s.epoch) = (l.log_id, l.epoch)"
                " AND s.position <= (SELECT coalesce(max(position), 0) FROM record.events)",
                [target.schema],
            )
            if status.fetchone() is None:
                raise LogRewound(
                    f"Read model {target.model.name} is not of this log, or ahead of it: was it"
                    f" restored? Drop schema {target.schema} and run 'wardbook migrate' to fill it"
                    " again from the log."
                )
            tables = self._connection.execute(
                "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [target.schema]
            ).fetchone()
            if tables not in ((None,), (tables_comment(target.model),)):
                raise NotMigrated(
                    f"The tables of read model {target.model.name} are those of another program."
                )

    def positions(self) -> dict[str, int]:
        """Return the position of each read model by name. Raises LogRewound if one lost it."""
        positions = self._reader.status().positions
        return {t.model.name: positions[t.schema] for t in self._targets}

    def step(self, until: int = END, recorded: int | None = None) -> bool:
        """Project one batch into the read models that are furthest behind; False: nothing to do.

        ``recorded``: a position that the log is known to have; otherwise the log is asked first. Raises
        NewerEvent before a command that only a newer program can read.
        """
        is_known_due = recorded is not None and recorded > self.reached
        if not self._targets or not (is_known_due or self._is_due()):
            return False
        try:
            return self._transaction(until, self._project_together)
        except (BatchFailed, psycopg.DataError, psycopg.IntegrityError):
            return self._transaction(until, self._project_isolated)

    def batch(self, until: int = END) -> bool:
        """Project one batch inside a transaction of the caller's, who holds the lock."""
        return self._batch(self._read(until), self._project_isolated)

    def _transaction(self, until: int, project: Project) -> bool:
        """Project one batch: one wait for what is read, and in a small one, one for what is written."""
        try:
            with ExitStack() as pipeline:
                pipeline.enter_context(self._connection.pipeline())
                self._connection.execute("BEGIN")
                if self._is_live:  # drafts are filled by one process only
                    self._connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", BATCH_LOCK)
                source = self._read(until)
                if project != self._project_together or not self._is_plain(source):
                    pipeline.close()
                is_moved = self._batch(source, project)
                self._connection.execute("COMMIT")
        except BaseException:
            self._models = {}  # their memory may be of a batch that was rolled back
            self._has_keys, self.reached = False, 0
            with suppress(psycopg.Error):
                self._connection.rollback()
            raise
        if is_moved and self._is_live and self.reached >= self._measured + MEASURED:
            self._measured = self.reached
            self.gather_statistics()
        return is_moved

    def _is_plain(self, source: BatchSource) -> bool:
        """Return whether a batch is small, and nothing in it needs more than rows to be written."""
        topics = {row[6] for row in source.rows}
        return (
            len(source.rows) <= PIPELINED
            and source.status.with_dead_letters.isdisjoint(t.schema for t in source.group)
            and Patient.Erased.TOPIC not in topics
            and not any(topic.startswith(f"{ProjectionControl.TOPIC}.") for topic in topics)
        )

    def _check_keys(self) -> None:
        """Refuse to read a log without its keys: read models would hold redacted texts for good.

        Raises KeysMissing.
        """
        if not self._has_keys:
            bound = self._connection.execute("SELECT store FROM record.key_store").fetchone()
            if bound is not None:
                self._mapper.keys.check(bound[0])
                self._has_keys = True

    def _read(self, until: int) -> BatchSource:
        return self._reader.read(until, self._batch_size or BATCH, self._halted)

    def _batch(self, source: BatchSource, project: Project) -> bool:
        self._check_keys()
        status, group, start, rows = source.status, source.group, source.start, source.rows
        if not group:
            return False
        rows = self._readable(group, rows)
        end = rows[-1][1] if rows else start
        is_isolated = self._project(status, group, rows, project)
        is_erasure = self._erase(group, rows)
        self._move([t for t in group if t.model.name not in self._halted], end)
        self.reached = end
        if end == start:
            return False
        if is_isolated:
            after = self._reader.status()
        else:
            ends = {t.schema: end for t in group}
            after = BatchStatus({**status.positions, **ends}, status.with_dead_letters)
        self._notify(min(status.positions.values()), after, is_erasure=is_erasure)
        if self._on_progress:
            self._on_progress(end)
        return True

    def _readable(
        self, group: Sequence[ProjectionTarget], rows: Sequence[EventRow]
    ) -> Sequence[EventRow]:
        """Return the rows before the first command that only a newer program can read.

        Raises NewerEvent where there are none.
        """
        newer = {
            (topic, version)
            for topic, version in {(row[6], row[7]) for row in rows}
            if not is_known(topic, version) and any(t.model.concerns(topic) for t in group)
        }
        first = next((row for row in rows if (row[6], row[7]) in newer), None)
        if first is None or isinstance(self._mapper, ParkingMapper):
            return rows
        before = [row for row in rows if row[1] < first[1]]
        if not before:
            raise NewerEvent(first[6], first[7])
        return before

    def _project(
        self,
        status: BatchStatus,
        group: Sequence[ProjectionTarget],
        rows: Sequence[EventRow],
        project: Project,
    ) -> bool:
        """Project events, isolated where there are dead letters; True if any was isolated."""
        isolated_targets = [t for t in group if t.schema in status.with_dead_letters]
        others = [t for t in group if t not in isolated_targets]
        if rows and others:
            project(others, rows)
        if rows and isolated_targets:
            self._project_isolated(isolated_targets, rows)
        return bool(isolated_targets) or project != self._project_together

    def _project_together(
        self, group: Sequence[ProjectionTarget], rows: Sequence[EventRow]
    ) -> None:
        """Project the whole batch into all read models at once. Raises BatchFailed."""
        models = [self._model(target, rows[0][0]) for target in group]
        try:
            models_by_topic: dict[str, list[ReadModel]] = {}
            for position, command_end, recorded_at, _, *columns in rows:
                topic = columns[2]
                if topic not in models_by_topic:
                    models_by_topic[topic] = [m for m in models if m.concerns(topic)]
                if models_by_topic[topic]:
                    reads_reason = any(model.reads_reasons for model in models_by_topic[topic])
                    event = self._mapper.event(columns, opens_reason=reads_reason)
                    place = EventPosition(position, command_end, recorded_at)
                    for model in models_by_topic[topic]:
                        model.apply(event, place)
            with self._connection.cursor() as cursor:
                for model in models:
                    model.flush(cursor)
        except Exception as error:
            if is_permanent(error):
                raise BatchFailed from error
            raise
        for target in self._decision_target(group, rows):
            self._isolating_projector(target, rows).decide(rows[-1])

    def _project_isolated(
        self, group: Sequence[ProjectionTarget], rows: Sequence[EventRow]
    ) -> None:
        """Project the batch into one read model after the other; what fails is a dead letter."""
        for target in group:
            projector = self._isolating_projector(target, rows)
            try:
                projector.project(rows)
            except Halted as halted:
                self._halted.add(target.model.name)
                self._move([target], halted.before)
                continue
            if self._decision_target([target], rows):
                projector.decide(rows[-1])

    def _decision_target(
        self, group: Sequence[ProjectionTarget], rows: Sequence[EventRow]
    ) -> list[ProjectionTarget]:
        """Return the target that the last command decides about. Batches end at such a command."""
        last = rows[-1]
        if not last[6].startswith(f"{ProjectionControl.TOPIC}."):
            return []
        return [t for t in group if ProjectionControl.id_for(t.model.name) == last[4]]

    def _isolating_projector(
        self, target: ProjectionTarget, rows: Sequence[EventRow]
    ) -> IsolatingProjector:
        self._models.pop(target.model.name, None)
        return IsolatingProjector(self._connection, target, self._mapper, rows[0][0])

    def _erase(self, group: Sequence[ProjectionTarget], rows: Sequence[EventRow]) -> bool:
        """Read anew what is of persons who were erased, once their keys are destroyed; True if any.

        The command that erases destroys the keys, too: this is where it goes on after a crash.
        """
        erasures = [
            cast(Patient.Erased, self._mapper.event(row[4:]))
            for row in rows
            if row[6] == Patient.Erased.TOPIC
        ]
        erased_streams = {stream for erasure in erasures for stream in erasure.keyed}
        if erased_streams:
            destroy_keys(self._mapper.keys, erasures, self._record_destroyed)
            erased_streams |= self._streams_that_name(erased_streams)
            for target in group:
                if not target.model.halts:  # those are of beds alone
                    self._isolating_projector(target, rows).read_anew(erased_streams, rows[-1][1])
        return bool(erased_streams)

    def _streams_that_name(self, persons: set[UUID]) -> set[UUID]:
        """Return the streams of rooms and reports with texts about persons: TextsOfPerson."""
        rows = self._connection.execute(
            "SELECT DISTINCT stream FROM record.events WHERE own->>'patient' IS NOT NULL"
            " AND own->>'patient' = ANY(%s) AND topic = ANY(%s)",
            [list(map(str, persons)), list(OF_PERSON)],
        )
        return {stream for (stream,) in rows}

    def _record_destroyed(self, subjects: Sequence[str], store: str) -> None:
        self._connection.execute(ADD_KEY_ACTS, ["DESTROYED", list(subjects), store])

    def _is_due(self) -> bool:
        """Return whether there are events to project or a heartbeat is due: one cheap query."""
        row = self._connection.execute(
            "SELECT count(*) < %(models)s OR min(position) < coalesce((SELECT max(position)"
            " FROM record.events), 0) OR min(alive_at) < clock_timestamp() - %(beat)s::interval"
            " FROM projections.status WHERE read_model = ANY(%(schemas)s)",
            {
                "models": len(self._targets),
                "beat": HEARTBEAT,
                "schemas": [t.schema for t in self._targets],
            },
        ).fetchone()
        return row is None or bool(row[0])

    def _move(self, targets: Sequence[ProjectionTarget], position: int) -> None:
        if targets:
            self._connection.execute(
                "UPDATE projections.status SET position = %s, alive_at = clock_timestamp()"
                " WHERE read_model = ANY(%s)",
                [position, [t.schema for t in targets]],
            )

    def _notify(self, before: int, after: BatchStatus, *, is_erasure: bool) -> None:
        """Notify listeners of the position of all live read models, of dead letters and erasures."""
        position, has_dead_letters = min(after.positions.values()), bool(after.with_dead_letters)
        if self._is_live and (position > before or has_dead_letters):
            payload = f"{position} parked" if has_dead_letters else str(position)
            if is_erasure:
                payload += " erased"
            self._connection.execute("SELECT pg_notify('wardbook_read', %s)", [payload])

    def gather_statistics(self) -> None:
        """Let each connection plan anew what reads a table that has grown since it was planned."""
        schemas = [t.schema for t in self._targets]
        self._connection.execute("SELECT record.gather_statistics(%s)", [schemas])

    def _model(self, target: ProjectionTarget, after: int) -> ReadModel:
        name = target.model.name
        if name not in self._models:
            skipped_events = skipped_commands(self._connection, target.model, after)
            read = event_reader(self._connection, self._mapper, skipped_events)
            self._models[name] = target.model(read, target.schema)
        return self._models[name]
