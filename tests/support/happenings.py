"""Random acts on a house between questions: commands, emergency access, rebuilds."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from application.authorization.roles import Caller, Role
from application.command import Request
from application.hospital import Hospital
from domain.envelope import Actor
from domain.patient import Confidentiality
from domain.refusals import Refusal
from infrastructure.postgres.database import Database
from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.rebuild import rebuild
from tests.support.failing import model, quiet
from tests.support.random_commands import Busy

AT = "$ward: String, $asOf: DateTime, $knownAt: DateTime, $knownAtPosition: Position"
SAID = "asOf: $asOf, knownAt: $knownAt, knownAtPosition: $knownAtPosition"
BOARD = f"""query({AT}) {{ roomOccupancy(ward: $ward, {SAID}) {{
  room {{ id ward number policies version parked }}
  beds {{ code state since until stateReason reservationId reservedForPatient reservedForStay
    occupants {{ since kept sharesBedOf stay {{ id }} patient {{ id }} }}
    stay {{ id status specialty attending {{ staffNumber grade }} dischargePlan version parked }}
    patient {{ id version confidentiality mergedInto {{ id }} otherRecords {{ id }}
               stays {{ id status }} }} }} }} }}"""
NAMED = f"""query({AT}) {{ roomOccupancy(ward: $ward, {SAID}) {{ room {{ number }}
  beds {{ code patient {{ mrn familyName diedAt }} occupants {{ patient {{ mrn }} }} }} }} }}"""
LIST = f"""query({AT}) {{ stays(filter: {{ward: $ward}}, {SAID}) {{ edges {{ node {{
  id status bed room {{ number }} expectedReturn patient {{ id }} }} }} pageInfo {{ hasNextPage }} }}
  wards({SAID}) {{ name }} }}"""

READERS = (
    (Role.ADMIN, None),
    (Role.NURSE, None),
    (Role.NURSE, frozenset({"A"})),
    (Role.PHYSICIAN, frozenset({"B"})),
    (Role.BED_MANAGER, None),
    (Role.ANALYST, frozenset({"A", "B"})),
)
ENDS = datetime(2100, 1, 1, tzinfo=UTC)

TOUCH_ROOMS = "UPDATE projections.status SET position = position WHERE read_model = 'rooms_v1'"


class Happenings:
    """Acts on the house between questions."""

    def __init__(
        self,
        database: Database,
        hospital: Hospital,
        busy: Busy,
        filler: BatchProjector,
        lot: Random,
        bad: UUID,
    ) -> None:
        self.database, self.hospital, self.busy, self.lot = database, hospital, busy, lot
        self._filler, self._bad = filler, bad
        self.now = busy.now
        self.readers = [
            Caller(Actor(issuer="test", subject=f"reader {n}", role=role.value), wards, ENDS)
            for n, (role, wards) in enumerate(READERS)
        ]
        self._positions: list[str] = []

    def something(self, step: int) -> None:
        """Something of the kind whose turn it is, so that none is left out."""
        acts = (self._live, self._time, self._glass, self._label, self._behind, self._rebuilt)
        acts[step % len(acts)]()
        if step in (12, 13):
            self._parks() if step == 12 else self._decided()
        self.now = max(self.now, self.busy.now)

    def question(self) -> tuple[str, dict[str, Any]]:
        variables: dict[str, Any] = {"ward": self.lot.choice(["A", "A", "B"])}
        if self.lot.random() < 0.3:
            later = timedelta(hours=self.lot.randint(-200, 60))
            variables["asOf"] = (self.now + later).isoformat()
        if self.lot.random() < 0.2:
            known = self.now - timedelta(hours=self.lot.randint(1, 100))
            variables["knownAt"] = known.isoformat()
        return self.lot.choice([BOARD, BOARD, NAMED, LIST]), variables

    def _live(self) -> None:
        self.busy.live(3)
        self._fill()

    def _time(self) -> None:
        """Nothing is recorded, but what was planned comes."""
        self.now += timedelta(hours=self.lot.randint(1, 8))
        self.busy.now = self.now

    def _glass(self) -> None:
        reader = self.lot.choice(self.readers)
        self._give(reader.actor, "break_glass", patient_mrn=self.lot.choice(self.busy._mrns))

    def _label(self) -> None:
        label = self.lot.choice(list(Confidentiality))
        mrn = self.lot.choice(self.busy._mrns)
        admin = self.readers[0].actor
        self._give(admin, "correct_patient_details", patient_mrn=mrn, confidentiality=label)
        self._fill()

    def _behind(self) -> None:
        """Recorded, and not read yet; or read by one of the read models only."""
        self.busy.live(2)
        with psycopg.connect(self.database.app_url, autocommit=True) as connection:
            one = BatchProjector(connection, [self.lot.choice(self._filler._targets)])
            one.prepare()
            one.step()

    def _rebuilt(self) -> None:
        """A read model was wrong, and is put right in one moment: nothing is recorded."""
        with psycopg.connect(self.database.owner_url) as owner:
            owner.execute("UPDATE rooms_v1.rooms SET policies = '{}'")
            owner.execute(TOUCH_ROOMS)
        self._fill()
        rebuild(self.database, [model("rooms")], quiet)

    def _parks(self) -> None:
        stay = self.lot.choice(self.busy._stays)
        mother = self.readers[0].actor
        fields = {"stay_id": stay, "specialty": "SURGERY"}
        self._give(mother, "change_specialty", command_id=self._bad, **fields)
        self._fill()

    def _decided(self) -> None:
        self._give(self.readers[0].actor, "skip_command", name="stays", skipped=self._bad)
        self._fill()

    def _give(self, by: Actor, command: str, command_id: UUID | None = None, **said: Any) -> None:
        self.now += timedelta(minutes=1)
        self.busy.now = self.now
        id = command_id or UUID(int=self.lot.getrandbits(128), version=4)
        request = Request(command_id=id, by=by, now=self.now, reason="it had to be")
        with suppress(Refusal):
            self.hospital.command(command)(request, **said)

    def _fill(self) -> None:
        while self._filler.step():
            pass
