"""A ward's work over HTTP: what nurses ask and record, in the shares in which they do, without a pause.

Each client has a ward of its own, so that none is refused what another has changed meanwhile.
"""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from statistics import median, quantiles
from time import monotonic, perf_counter
from typing import Any
from uuid import uuid4

import httpx2

from domain.prescription.events import Medication
from tests.benchmarks.wards import BOARD, Wards
from tests.support.hospital_dsl import ago, request

PATIENT = """query($stay: ID!) { stay(id: $stay) { id status bed patient { mrn familyName } } }"""
TIMELINE = """query($stay: ID!) { timeline(stayId: $stay, first: 50) {
  nodes { id kind occurredAt recordedBy { subject } summary } } }"""
MUTATION = """mutation($input: %sInput!) { %s(input: $input) { __typename %s } }"""
STAY = "... on StayRecorded { stay { id status } }"

Waits = dict[str, list[float]]


class Nurse:
    """One client: a ward, its patients by bed, and how long each of its requests took, in seconds."""

    def __init__(self, wards: Wards, ward: str, address: str, token: str, seed: int) -> None:
        self.waits: Waits = defaultdict(list)
        self._ward, self._random = ward, Random(seed)
        self._stays = {
            bed: str(stay) for bed, stay in wards.stays.items() if bed.startswith(f"{ward}/")
        }
        self._patient_with_drug = next(iter(self._stays.values()))
        self._drug = _prescribed(wards, self._stays)
        self._client = httpx2.Client(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )
        self._operations: dict[str, tuple[int, Callable[[], None]]] = {
            "board": (20, lambda: self._ask("board", BOARD, ward=ward)),
            "patient": (20, lambda: self._ask("patient", PATIENT, stay=self._stay())),
            "timeline": (15, lambda: self._ask("timeline", TIMELINE, stay=self._stay())),
            "visit": (20, self._visit),
            "dose": (15, self._dose),
            "swap of two beds": (5, self._swap),
            "discharge, and admission of the next": (5, self._next),
        }

    def work(self, until: float) -> None:
        """Work up to a moment of the monotonic clock. Raises RuntimeError for an error or a refusal."""
        shares = [share for share, _ in self._operations.values()]
        with self._client:
            while monotonic() < until:
                (name,) = self._random.choices(list(self._operations), shares)
                self._operations[name][1]()

    def _stay(self) -> str:
        return self._random.choice(list(self._stays.values()))

    def _visit(self) -> None:
        self._tell("visit", "recordVisit", "... on VisitRecorded { visit { id } }",
                   stayId=self._stay(), practitioner="D1", kind="ROUND")  # fmt: skip

    def _dose(self) -> None:
        self._tell("dose", "recordAdministration", "", prescriptionId=self._drug, given=True)

    def _swap(self) -> None:
        one, other = self._random.sample(list(self._stays), 2)
        stays = self._stays
        self._tell("swap of two beds", "swapBeds", "", stayId=stays[one], withStayId=stays[other])
        stays[one], stays[other] = stays[other], stays[one]

    def _next(self) -> None:
        bed = self._random.choice(
            [bed for bed, stay in self._stays.items() if stay != self._patient_with_drug]
        )
        ward, room, code = bed.split("/")
        self._tell("discharge", "dischargePatient", STAY,
                   stayId=self._stays[bed], disposition="HOME")  # fmt: skip
        mrn = f"N-{uuid4()}"
        self._tell("registration", "registerPatient", "", mrn=mrn, familyName="Next")
        answer = self._tell("admission", "admitPatient", STAY, patientMrn=mrn, ward=ward, room=room,
                          bed=code, admissionType="ELECTIVE")  # fmt: skip
        self._stays[bed] = answer["stay"]["id"]

    def _tell(self, name: str, mutation: str, selection: str, **said: Any) -> Any:
        kind = mutation[0].upper() + mutation[1:]
        document = MUTATION % (kind, mutation, selection)
        answer = self._ask(name, document, input={**said, "commandId": str(uuid4())})[mutation]
        if not answer["__typename"].endswith("Recorded"):
            raise RuntimeError(f"{mutation} was refused: {answer}")
        return answer

    def _ask(self, name: str, document: str, **variables: Any) -> Any:
        start = perf_counter()
        answer = self._client.post("/graphql", json={"query": document, "variables": variables})
        self.waits[name].append(perf_counter() - start)
        reply = answer.json()
        if reply.get("errors") or not reply.get("data"):
            raise RuntimeError(f"{name}: {answer.text[:500]}")
        return reply["data"]


def _prescribed(wards: Wards, stays: dict[str, str]) -> str:
    """Write a prescription for the first of some patients; return its id."""
    (drug,) = wards.made.prescriptions.write_prescription(
        request(ago(days=1)),
        stay_id=wards.stays[next(iter(stays))],
        medication=Medication(name="Paracetamol"),
    ).ids("prescription")
    return str(drug)


def work(nurses: list[Nurse], seconds: float) -> Waits:
    """Let all work at once; return their waits together."""
    until = monotonic() + seconds
    with ThreadPoolExecutor(len(nurses)) as threads:
        list(threads.map(lambda nurse: nurse.work(until), nurses))
    waits: Waits = defaultdict(list)
    for nurse in nurses:
        for name, some in nurse.waits.items():
            waits[name] += some
    return waits


def shown(waits: list[float]) -> str:
    """Return median and 99th percentile, in ms."""
    p99 = quantiles(waits, n=100)[98] if len(waits) > 1 else waits[0]
    return f"{median(waits) * 1000:.1f} / {p99 * 1000:.1f} ms"
