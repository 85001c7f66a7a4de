"""Integrity check: that the log and the record of reading are what was signed of them.

Every row is hashed anew and compared with the checkpoints, one after the other: of a row that was
altered its number is told, since a checkpoint has the hashes of the rows since the one before.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.evidence.checkpoints import BEFORE_ALL, origin_parts
from infrastructure.evidence.keeper import Keeper
from infrastructure.evidence.leaves import AS_TEXT, TREES, Row, Tree, hash_rows
from infrastructure.evidence.merkle import Frontier, split_hashes
from infrastructure.evidence.signed_note import InvalidNote, SignedNote, VerifierKey
from infrastructure.integrity.result import CheckResult

AFTER_ALL = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint that was kept elsewhere; ``where`` tells people."""

    where: str
    note: SignedNote


@dataclass(frozen=True, slots=True)
class Trust:
    """Knowledge from outside of the database: keys that sign its checkpoints, and checkpoints.

    ``missing``: why no key is known.
    """

    keys: Sequence[VerifierKey] = ()
    anchors: Sequence[Anchor] = ()
    missing: str | None = None


def trust_of(
    keeper: Keeper, log_id: UUID, files: Sequence[Path] = (), keys_given: Sequence[str] = ()
) -> Trust:
    """Return this machine's knowledge of a log, with checkpoints in files, and keys as texts.

    Raises UnsafeKey, and InvalidNote for what is no checkpoint or no key.
    """
    keys = [*keeper.trusted_keys(log_id), *map(VerifierKey.parse, keys_given)]
    anchors = [
        Anchor(f"{tree.name}.checkpoint", note)
        for tree in TREES
        if (note := keeper.newest_note(tree))
    ]
    for file in files:
        try:
            note = SignedNote.parse(file.read_text())
        except (OSError, UnicodeError):
            raise InvalidNote(f"{file} cannot be read.") from None
        origin_parts(note)
        anchors.append(Anchor(str(file), note))
    missing = None if keys else f"{keeper.key_file} is missing: nobody knows who signed them"
    return Trust(keys, anchors, missing)


def compare_trees(connection: Connection[TupleRow], trust: Trust) -> Iterator[CheckResult]:
    """Compare each tree with its checkpoints, and with those that were kept elsewhere."""
    connection.execute(AS_TEXT)
    (log_id, epoch) = connection.execute(
        "SELECT coalesce(log_id::text, ''), coalesce(epoch, 0) FROM record.log"
    ).fetchone() or ("", 0)
    for tree in TREES:
        yield TreeComparison(connection, tree, log_id, epoch, trust).compare()


class TreeComparison:
    """The comparison of one tree."""

    def __init__(
        self, connection: Connection[TupleRow], tree: Tree, log_id: str, epoch: int, trust: Trust
    ) -> None:
        self.connection, self.tree, self.trust = connection, tree, trust
        self.log_id, self.epoch = log_id, epoch
        self.result = CheckResult(f"every {tree.noun} is what was signed of it")
        self.signed = Frontier()
        """The tree as the checkpoints have it."""
        self.present = self.signed
        """The tree of the rows; another one from the first that differs."""
        self.anchors = [
            anchor
            for anchor in trust.anchors
            if anchor.note.checkpoint.origin.endswith(f"/{tree.name}")
        ]
        self.roots: dict[int, bytes | None] = dict.fromkeys(
            anchor.note.checkpoint.size for anchor in self.anchors
        )
        """The roots of the rows at the sizes of the anchors."""

    def compare(self) -> CheckResult:
        self._compare_columns()
        if 0 in self.roots:
            self.roots[0] = self.present.root()
        last, newest_epoch = BEFORE_ALL, self.epoch
        with self.connection.cursor(f"checkpoints_of_{self.tree.name}") as checkpoints:
            checkpoints.itersize = 100
            checkpoints.execute(
                "SELECT coalesce(size, 0), coalesce(epoch, 0), coalesce(last, 0),"
                " coalesce(note, ''), coalesce(frontier, ''), coalesce(leaves, '')"
                " FROM record.checkpoints"
                " WHERE tree = %s ORDER BY no",
                [self.tree.name],
            )
            for size, epoch, end, note, frontier, leaves in checkpoints:
                rows = list(self._rows(last, end))
                self._compare_rows(rows, split_hashes(leaves), size)
                self._compare_checkpoint(size, epoch, note, frontier)
                last, newest_epoch = max(last, end), epoch
        self._append(leaf for _, leaf in self._rows(last, AFTER_ALL))
        for anchor in self.anchors:
            self._compare_anchor(anchor)
        if newest_epoch < self.epoch and self.trust.keys:
            self.result.breaks(
                f"nothing is signed of epoch {self.epoch}: its number was raised, or the log restored"
                " without the key (then: wardbook checkpoint --sign)"
            )
        return self.result

    def _compare_columns(self) -> None:
        """Look for columns that no leaf has: whatever is written in one is not signed."""
        schema, _, name = self.tree.table.split()[0].partition(".")
        columns = {column.partition(".")[2] for column in self.tree.columns}
        for (column,) in self.connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE (table_schema, table_name) = (%s, %s) AND column_name <> 'kind'",
            [schema, name],
        ):
            if column not in columns:
                self.result.breaks(
                    f"column {column} of {schema}.{name} is in nothing that is signed"
                )

    def _rows(self, after: int, end: int) -> Iterator[Row]:
        with self.connection.cursor(f"rows_of_{self.tree.name}") as cursor:
            cursor.itersize = 5_000
            condition = f"{self.tree.number} > %s AND {self.tree.number} <= %s"
            cursor.execute(self.tree.select(condition).encode(), [after, end])
            for row in hash_rows(self.tree, cursor):
                self.result.looked_at += 1
                yield row

    def _compare_rows(self, rows: Sequence[Row], leaves: Sequence[bytes], size: int) -> None:
        """Compare the rows since the last checkpoint with the hashes of the next one."""
        if self.signed.size + len(leaves) != size:
            self.result.breaks(f"the checkpoint before that of {size} {self.tree.noun}s is gone")
        present = [leaf for _, leaf in rows]
        if present != list(leaves):
            self._split()
            signed_leaves, present_leaves = set(leaves), set(present)
            for number, leaf in rows:
                if leaf not in signed_leaves:
                    self.result.breaks(f"{self.tree.noun} {number} was altered or added")
            missing = sum(leaf not in present_leaves for leaf in leaves)
            additions = sum(leaf not in signed_leaves for leaf in present)
            if missing > additions:
                self.result.breaks(
                    f"{missing - additions} {self.tree.noun}s before the {size:,}th were deleted"
                )
            if not missing and not additions:
                self.result.breaks(f"{self.tree.noun}s before the {size:,}th are in another order")
        if self.present is not self.signed:
            for leaf in leaves:
                self.signed.append(leaf)
        self._append(present)

    def _append(self, leaves: Iterable[bytes]) -> None:
        for leaf in leaves:
            self.present.append(leaf)
            if self.present.size in self.roots:
                self.roots[self.present.size] = self.present.root()

    def _split(self) -> None:
        """Go on with two trees: that of the checkpoints, and that of the rows."""
        if self.present is self.signed:
            self.present = self.signed.copy()

    def _compare_checkpoint(self, size: int, epoch: int, text: str, frontier: bytes) -> None:
        """Compare a checkpoint with the hashes up to it, and with its signature."""
        subject = f"the checkpoint of {size} {self.tree.noun}s"
        edge = Frontier.from_bytes(size, frontier)
        try:
            note = SignedNote.parse(text)
        except InvalidNote:
            self.result.breaks(f"{subject} was altered")
            return
        checkpoint = note.checkpoint
        is_whole = (checkpoint.origin, checkpoint.size) == (
            self.tree.origin(self.log_id, epoch),
            size,
        ) and edge.root() == checkpoint.root
        if not is_whole or epoch > self.epoch:
            self.result.breaks(f"{subject} was altered")
        elif self.signed.root() != checkpoint.root or self.signed.size != size:
            self.result.breaks(
                f"{subject} is of other {self.tree.noun}s: some before it were altered"
            )
            self._split()
            self.signed = edge
        if self.trust.missing:
            if not self.result.broken:
                self.result.breaks(self.trust.missing)
        elif self.trust.keys and not any(note.is_signed_by(key) for key in self.trust.keys):
            self.result.breaks(f"{subject} is signed by no key that is known here")

    def _compare_anchor(self, anchor: Anchor) -> None:
        """Compare the rows with a checkpoint that was kept elsewhere."""
        note, checkpoint = anchor.note, anchor.note.checkpoint
        subject = f"the checkpoint of {checkpoint.size} {self.tree.noun}s in {anchor.where}"
        log_id, epoch = origin_parts(note)
        root = self.roots[checkpoint.size]
        if log_id != self.log_id or epoch > self.epoch:
            self.result.breaks(f"{subject} is of another log, or of a later epoch")
        elif self.trust.keys and not any(note.is_signed_by(key) for key in self.trust.keys):
            self.result.breaks(f"{subject} is signed by no key that is known here")
        elif root is None:
            count = checkpoint.size - self.present.size
            restore = (
                "" if epoch == self.epoch else f", in epoch {epoch}: the log was restored since"
            )
            self.result.breaks(f"the last {count} {self.tree.noun}s of {subject} are gone{restore}")
        elif root != checkpoint.root:
            self.result.breaks(f"{subject} is of other {self.tree.noun}s: the log was rewritten")
