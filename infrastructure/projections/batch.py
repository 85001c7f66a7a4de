"""Filling read models from the log: in batches, rows and position in one transaction.

The same code fills the live tables, a read model that is behind, and one that is rebuilt beside. All
goes well nearly always, so a batch is taken in as a whole by all models at once; only a batch in which
something fails is done again with care (`infrastructure.projections.dead_letters`).
"""

from collections.abc import Callable, Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import IntegrityError
from domain.projection_control import ProjectionControl
from infrastructure.event_store.mapper import EventMapper
from infrastructure.projections.dead_letters import (
    LOGGED,
    DeadLetters,
    Halted,
    Logged,
    Target,
    fails_by_itself,
    history,
    left_out,
)
from infrastructure.projections.projection import EventPosition, ReadModel
from infrastructure.read_models import READ_MODELS

BATCH = 1_000
"""Events in one transaction, at least; a batch ends where a command ends."""

BATCH_LOCK = 1463898722, 4
"""Held by each batch of the live tables; who switches tables holds it too."""

HEARTBEAT = "10 s"
"""How old the last sign of life of a read model may be before an idle follower gives another.

Each drops the answers that are kept, as whatever is written of a read model does.
"""

END = 2**63 - 1


class LogRewound(IntegrityError):
    """A read model is ahead of the log, or of another log: it was restored or replaced."""


class Misfit(IntegrityError):
    """Something in a batch cannot be taken in."""


Fill = Callable[[Sequence[Target], Sequence[Logged]], None]

LIVE = tuple(Target(model, str(model.metadata.schema)) for model in READ_MODELS)


class BatchProjector:
    """Fills some read models on one connection."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        targets: Sequence[Target] = LIVE,
        on_progress: Callable[[int], None] | None = None,
        mapper: EventMapper | None = None,
    ) -> None:
        self._connection, self._targets = connection, targets
        self._on_progress = on_progress
        self._mapper = mapper or EventMapper()
        self._models: dict[str, ReadModel] = {}
        self._halted: set[str] = set()
        live = {t.schema for t in LIVE}
        self._is_live = all(t.schema in live for t in targets)
        self._watched = LIVE if self._is_live else tuple(targets)
        self._decisions = [ProjectionControl.id_for(t.model.name) for t in targets]

    def prepare(self) -> None:
        """See that each read model has a position in this log. Raises LogRewound."""
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

    def positions(self) -> dict[str, int]:
        """How far each read model is. Raises LogRewound if one lost its position."""
        standing, _ = self._standing()
        return {t.model.name: standing[t.schema] for t in self._targets}

    def step(self, until: int = END) -> bool:
        """One batch, for the read models that are furthest behind. False: nothing to do."""
        if not self._targets or not self._is_due():
            return False
        try:
            return self._transaction(until, self._together)
        except Misfit:
            return self._transaction(until, self._with_care)

    def batch(self, until: int = END) -> bool:
        """The same inside a transaction of the caller's, who holds the lock."""
        return self._batch(until, self._with_care)

    def _transaction(self, until: int, fill: Fill) -> bool:
        try:
            with self._connection.transaction():
                if self._is_live:  # who fills drafts is the only one
                    self._connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", BATCH_LOCK)
                return self._batch(until, fill)
        except BaseException:
            self._models = {}  # what they remember may be of a batch that was rolled back
            raise

    def _batch(self, until: int, fill: Fill) -> bool:
        before, parked = self._standing()
        going = [t for t in self._targets if t.model.name not in self._halted]
        if not going:
            return False
        start = min(before[t.schema] for t in going)
        others = [before[t.schema] for t in going if before[t.schema] > start]
        group = [t for t in going if before[t.schema] == start]
        rows = self._rows(start, min([until, *others]))
        end = rows[-1][1] if rows else start
        calm = [t for t in group if t.schema not in parked]
        careful = [t for t in group if t.schema in parked]
        if rows and calm:
            fill(calm, rows)
        if rows and careful:
            self._with_care(careful, rows)
        self._move([t for t in group if t.model.name not in self._halted], end)
        if end > start:
            if careful or fill != self._together:
                after, parked = self._standing()
            else:
                after = {**before, **{t.schema: end for t in group}}
            self._tell(min(after.values()), min(before.values()), bool(parked))
            if self._on_progress:
                self._on_progress(end)
        return end > start

    def _together(self, group: Sequence[Target], rows: Sequence[Logged]) -> None:
        """The whole batch in all models at once. Raises Misfit if anything does not fit."""
        models = [self._model(target, rows[0][0]) for target in group]
        try:
            concerned: dict[str, list[ReadModel]] = {}
            for position, known, recorded_at, _, *stored in rows:
                topic = stored[2]
                if topic not in concerned:
                    concerned[topic] = [m for m in models if m.concerns(topic)]
                if concerned[topic]:
                    event = self._mapper.event(stored)
                    place = EventPosition(position, known, recorded_at)
                    for model in concerned[topic]:
                        model.apply(event, place)
            with self._connection.cursor() as cursor:
                for model in models:
                    model.flush(cursor)
        except Exception as failed:
            if fails_by_itself(failed):
                raise Misfit from failed
            raise
        for target in self._decided(group, rows):
            self._parking(target, rows).decide(rows[-1])

    def _with_care(self, group: Sequence[Target], rows: Sequence[Logged]) -> None:
        """The same batch model by model; what does not fit is parked, or halts its model."""
        for target in group:
            parking = self._parking(target, rows)
            try:
                parking.fill(rows)
            except Halted as halted:
                self._halted.add(target.model.name)
                self._move([target], halted.before)
                continue
            if self._decided([target], rows):
                parking.decide(rows[-1])

    def _decided(self, group: Sequence[Target], rows: Sequence[Logged]) -> list[Target]:
        """The model about which the last command decides something. Batches end at such a command."""
        last = rows[-1]
        if not last[6].startswith(f"{ProjectionControl.TOPIC}."):
            return []
        return [t for t in group if ProjectionControl.id_for(t.model.name) == last[4]]

    def _parking(self, target: Target, rows: Sequence[Logged]) -> DeadLetters:
        self._models.pop(target.model.name, None)
        return DeadLetters(self._connection, target, self._mapper, rows[0][0])

    def _is_due(self) -> bool:
        """Whether there is anything to take in, or a sign of life to give: one cheap look."""
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

    def _move(self, targets: Sequence[Target], position: int) -> None:
        if targets:
            self._connection.execute(
                "UPDATE projections.status SET position = %s, alive_at = clock_timestamp()"
                " WHERE read_model = ANY(%s)",
                [position, [t.schema for t in targets]],
            )

    def _tell(self, reached: int, before: int, parked: bool) -> None:
        """Tell who waits how far all live read models are now, and whether anything is parked."""
        if self._is_live and (reached > before or parked):
            told = f"{reached} parked" if parked else str(reached)
            self._connection.execute("SELECT pg_notify('wardbook_read', %s)", [told])

    def _model(self, target: Target, after: int) -> ReadModel:
        name = target.model.name
        if name not in self._models:
            skipped = left_out(self._connection, target.model, after)
            read = history(self._connection, self._mapper, skipped)
            self._models[name] = target.model(read, target.schema)
        return self._models[name]

    def _standing(self) -> tuple[dict[str, int], set[str]]:
        """Where each read model is, by its schema, and which have parked something."""
        found = dict.fromkeys((t.schema for t in self._watched), 0)
        parked = set()
        lost = {t.schema: t.model.name for t in self._targets}
        rows = self._connection.execute(
            "SELECT read_model, position, EXISTS (SELECT FROM projections.dead_letters d"
            "   WHERE d.read_model = s.read_model)"
            " FROM projections.status s WHERE read_model = ANY(%s)",
            [[t.schema for t in self._watched]],
        )
        for schema, position, has_parked in rows:
            found[schema] = int(position)
            lost.pop(schema, None)
            if has_parked:
                parked.add(schema)
        for name in lost.values():
            raise LogRewound(f"Read model {name} lost its position.")
        return found, parked

    def _rows(self, after: int, until: int) -> Sequence[Logged]:
        """The next batch: up to the end of a command, and to the next decision about a model."""
        return self._connection.execute(
            f"SELECT {LOGGED} FROM record.events"
            " WHERE position > %(after)s AND position <= least(%(until)s, ("
            "   SELECT max(command_end) FROM (SELECT command_end FROM record.events"
            "     WHERE position > %(after)s ORDER BY position LIMIT %(batch)s) AS first), ("
            "   SELECT min(command_end) FROM record.events"
            "     WHERE stream = ANY(%(decisions)s) AND (position > %(after)s) IS TRUE))"
            " ORDER BY position",
            {"after": after, "until": until, "batch": BATCH, "decisions": self._decisions},
        ).fetchall()
