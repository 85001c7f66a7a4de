"""Moves: the rows of table transfers, each a stretch in a care unit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest

from api.imports.account import Ledger
from api.imports.mimic_iv.beds import Allotment, Bed
from api.imports.mimic_iv.patient import Row
from api.imports.mimic_iv.rules import Rule
from api.imports.mimic_iv.sending import Sender, Telling, time_text
from api.imports.mimic_iv.stays import NOWHERE, Stay
from domain.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Move:
    """A row, and the part of it that lies inside the stay; ``end`` None: not over.

    ``then_nowhere``: the next row begins later, and the stay goes on.
    """

    row: Row
    start: datetime
    end: datetime | None
    then_nowhere: bool = False

    @property
    def ward(self) -> str:
        return self.row["careunit"]


def planned_moves(stay: Stay, transfers: Iterable[Row], ledger: Ledger) -> list[Move]:
    """Return the moves of a stay in order, cut at the admission; judge the rows that are none.

    A row that ends before the admission is not cut: the domain refuses it.
    """
    moves: list[Move] = []
    for row in sorted(transfers, key=lambda r: (r.at("intime"), r.key)):
        start, end = row.at("intime"), row.maybe_at("outtime")
        if not row["careunit"]:
            ledger.judge_refused(row, Rule.NO_WARD)
        elif end is not None and end < start:
            ledger.judge_refused(row, Rule.ENDS_BEFORE_IT_BEGINS, f"it ends {time_text(end)}")
        elif stay.ends is not None and start >= stay.ends >= stay.begins:
            ledger.judge_refused(row, Rule.AFTER_DISCHARGE, parent=stay.row)
        elif end is None or end > stay.begins:
            moves.append(Move(row, max(start, stay.begins), end))
        else:
            moves.append(Move(row, start, end))
    return [
        _until(move, next_move.start if next_move else stay.ends)
        for move, next_move in zip_longest(moves, moves[1:])
    ]


def _until(move: Move, following: datetime | None) -> Move:
    """Return the move, ended when the next begins (or the stay ends), if not before."""
    if move.end is None or (following is not None and following <= move.end):
        return replace(move, end=following)
    return replace(move, then_nowhere=True)


def record_moves(
    stay: Stay, moves: Sequence[Move], beds: Allotment, sender: Sender, ledger: Ledger
) -> None:
    """Allocate the first bed, and transfer to each of the others."""
    assert stay.id
    last: Bed | None = None
    for move in moves:
        bed = beds.allot(move.ward, move.start, move.end, last)
        sender.room(bed)
        telling = Telling(move.start, tuple(_notes(move, bed, last)))
        command = (
            sender.hospital.stays.transfer_patient if last else sender.hospital.stays.allocate_room
        )
        answer = sender.send(
            move.row,
            command,
            telling,
            stay_id=stay.id,
            ward=bed.ward,
            room=bed.room,
            bed=bed.code,
        )
        answer_to_end = None
        if move.end and move.then_nowhere and not isinstance(answer, Refusal):
            answer_to_end = sender.send(
                move.row,
                sender.hospital.stays.transfer_patient,
                Telling(move.end, ("the next row begins later",), part="/left"),
                stay_id=stay.id,
                without_bed=NOWHERE,
            )
        ledger.judge_answer(move.row, command.__name__, answer, _remark(move, answer_to_end))
        if move.start >= stay.begins:
            last = bed


def _notes(move: Move, bed: Bed, last: Bed | None) -> list[str]:
    notes = [move.row["eventtype"], "bed chosen by the importer: the source has none"]
    if move.row.at("intime") < move.start:
        notes.append(f"there since {time_text(move.row.at('intime'))}, before the admission")
    if last and last.ward == bed.ward:
        notes.append("a move within the care unit: to another bed of it")
    return notes


def _remark(move: Move, left: object) -> str:
    remarks = []
    if move.row.at("intime") < move.start:
        remarks.append("cut at the admission")
    if isinstance(left, Refusal):
        remarks.append(f"the gap after it was refused: {left.code}: {left.message}")
    elif left:
        remarks.append("then without a bed: the next row begins later")
    return "; ".join(remarks)
