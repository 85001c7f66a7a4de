"""Slips of the pen: what was entered was not what happened, and is put right some time later.

Life goes on as it was. Until the record is right, nobody is given a bed that it shows as taken, and
what rests on the wrong entry is entered after it was put right (see `movements`).
"""

from collections.abc import Sequence
from datetime import datetime
from math import log

from api.simulator.clock import HOUR, MINUTE
from api.simulator.house import Bed
from api.simulator.inpatient import Inpatient, Life, Moved
from api.simulator.recording_queue import AT_ONCE, Telling
from api.simulator.texts import WRONG_BED
from domain.envelope import Actor

IN_WRONG_BED = 0.2
"""Per transfer; there is another bed to be mistaken for it in about a third of them."""


def wrong_bed(life: Life, patient: Inpatient, bed: Bed) -> Bed | None:
    """Now and then another bed is entered than the patient was moved to."""
    if life.slips.random() >= IN_WRONG_BED:
        return None
    others = life.house.others_like(bed, patient.person, life.now)
    return others[0] if others else None


def put_in_right_bed(
    life: Life, patient: Inpatient, moved: Moved, wrong: Bed, right: Bed, entered: datetime
) -> datetime:
    """Returns when the record shows the patient where she is."""
    ward, room, code = right.place
    recorded = life.desk.tell(
        lambda h, q: h.corrections.correct_movement(
            q, movement_id=moved.id, ward=ward, room=room, bed=code
        ),
        at=noticed(life, entered),
        by=life.staff.nurse(life.slips),
        lag=AT_ONCE.draw(life.slips),
        after=entered,
        reason=life.slips.choice(WRONG_BED),
        corrects=True,
        about=patient.mrns,
    )
    wrong.mistaken_for(patient.person, recorded)
    return recorded


def put_right(
    life: Life,
    telling: Telling,
    entered: datetime,
    by: Actor,
    reasons: Sequence[str],
    about: Sequence[str] = (),
    *,
    corrects: bool = False,
) -> None:
    """A visit or a dose, some hours after it was entered, by who entered it. Nothing rests on it."""
    life.desk.tell(
        telling,
        at=entered + life.care.uniform(0.2, 20) * HOUR,
        by=by,
        lag=MINUTE,
        reason=life.care.choice(reasons),
        corrects=corrects,
        about=about,
    )


def noticed(life: Life, entered: datetime) -> datetime:
    """An hour to a day after it was entered."""
    return entered + min(1 + life.slips.lognormvariate(log(4), 0.8), 24) * HOUR
