"""A process of its own, to be killed: `python -m tests.faults.process follow URL`, or `write`.

A writer prints each command's id and position after it was answered.
"""

import sys
from contextlib import closing
from random import Random

from infrastructure.database import Database
from infrastructure.follow import Follower
from infrastructure.settings import Settings
from infrastructure.wiring import hospital as wired
from tests.faults.checker import Acknowledged, lot_id


def main(what: str, url: str, name: str = "", seed: str = "0") -> None:
    if what == "follow":
        Follower(url).run()
        return
    lot, n = Random(int(seed)), 0
    with closing(wired(Settings(), Database(url))) as house:
        while True:
            told, id, mrn = Acknowledged(), lot_id(lot), f"{name}-{n}"
            told.give(lambda said, mrn=mrn: house.register_patient(said, mrn=mrn), id)  # type: ignore[misc]
            print(id, told.told[id], flush=True)
            n += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
