"""The figures of what comes, goes and is given, by a plain fold of the events, as in `plain`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil
from statistics import median
from uuid import UUID

from domain.aggregate import Cancelling, Correcting, Event
from domain.expected_arrival import ExpectedArrival
from domain.patient import Patient
from domain.prescription.aggregate import Prescription
from domain.prescription.course import PrescriptionStatus
from domain.prescription.events import Medication
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason, EmergencyCare, Status
from tests.support.reference_reports import TICK, Figures, Plain, _admitted, _over

CORRECTIONS = (Correcting, Prescription.PatientCorrected)
REPEATED = ("occupancy.", "drug-chart.")
EMERGENCY = ("Emergency Unit", "Emergency Department")


class Flows:
    """Beside a `Plain` house: its patients, prescriptions, doctors, and when each fact was told."""

    def __init__(
        self,
        plain: Plain,
        log: Iterable[tuple[int, Event]],
        told_at: dict[int, datetime],
        known: int,
    ) -> None:
        self.plain = plain
        self.patients: dict[UUID, Patient] = {}
        self.prescriptions: dict[UUID, Prescription] = {}
        self.consultants: dict[UUID, date | None] = {}
        self.visits: dict[UUID, tuple[UUID, datetime, UUID]] = {}
        self.told: dict[tuple[UUID, object], tuple[Event, datetime]] = {}
        for position, event in log:
            if position > known:
                continue
            id = event.originator_id
            if event.TOPIC.startswith("patient."):
                event.mutate(self.patients.setdefault(id, Patient.empty(id)))
            elif event.TOPIC.startswith("prescription."):
                event.mutate(self.prescriptions.setdefault(id, Prescription.empty(id)))
            elif event.TOPIC == "practitioner.registered" and event.grade == "CONSULTANT":  # type: ignore[attr-defined]
                self.consultants[id] = event.grade_from  # type: ignore[attr-defined]
            self._visit(event)
            if event.entry.about is not None and not event.TOPIC.startswith(REPEATED):
                self._tell(event, told_at[position])

    def _visit(self, event: Event) -> None:
        match event:
            case Stay.VisitRecorded():
                result = (event.originator_id, event.entry.occurred_at, event.practitioner)
                self.visits[event.visit] = result
            case Stay.VisitAmended():
                stay, at, who = self.visits[event.visit]
                self.visits[event.visit] = (stay, event.at or at, event.practitioner or who)
            case Stay.VisitCancelled():
                del self.visits[event.visit]
            case Stay.AdmissionCancelled():
                for visit in event.voided:
                    self.visits.pop(visit, None)

    def _tell(self, event: Event, at: datetime) -> None:
        stream = event.originator_id
        fact = event.fact
        entered_in_error = (
            getattr(event, "because", None) is not CancellationReason.DECISION_REVERSED
        )
        match event:
            case Stay.AdmissionCancelled():
                for key in [key for key in self.told if key[0] == stream]:
                    if entered_in_error or key[1] in event.voided:
                        del self.told[key]
            case Prescription.Cancelled():
                for key in [key for key in self.told if key[0] == stream]:
                    del self.told[key]
            case ExpectedArrival.Cancelled() if not entered_in_error:  # called off: a fact itself
                self.told[stream, event.originator_version] = (event, at)
            case Stay.MovementCancelled() | Stay.DischargeCancelled():
                if entered_in_error:
                    self.told.pop((stream, fact), None)
            case Cancelling():
                self.told.pop((stream, fact), None)
            case Prescription.StopCorrected():
                if event.at is None:
                    self.told.pop((stream, fact), None)
            case ExpectedArrival.Converted():  # which nobody tells: it follows from the admission
                pass
            case _ if not isinstance(event, CORRECTIONS):
                self.told[stream, fact or event.originator_version] = (event, at)

    # -- who --

    def person(self, record: UUID | None) -> UUID:
        assert record is not None
        while (into := self.patients[record].merged_into) is not None:
            record = into
        return record

    # -- what is counted --

    def ended(self) -> list[tuple[Stay, datetime]]:
        """Those discharged on a hospital day of the period, from the ward."""
        return [
            (stay, gone)
            for stay in self.plain.stays.values()
            if (gone := self.plain.discharged(stay)) is not None
            and self.plain.asks_about(self.plain.hospital_day(gone))
            and self.plain.in_scope(self.plain.wards_lain_in(stay)[-1])
        ]

    def begun(self) -> list[Stay]:
        return [
            stay
            for stay in self.plain.stays.values()
            if self.plain.asks_about(self.plain.hospital_day(_admitted(stay)))
            and self.plain.in_scope(next((w for w in self._lain(stay)), None))
        ]

    def _lain(self, stay: Stay) -> list[str]:
        return [w for w in self.plain.wards_lain_in(stay) if w]

    def _moves(self, stay: Stay) -> list[tuple[datetime, str]]:
        """From when on in which ward, where she is there."""
        result: list[tuple[datetime, str]] = []
        for period, state in stay.history.segments:
            ward = self.plain.ward_of(state)
            if state.status is Status.ADMITTED and ward and (not result or result[-1][1] != ward):
                result.append((period.start, ward))
        return result

    def figures(self) -> dict[str, Figures]:
        """The figures of each report, by its name."""
        return {
            "admissions-discharges-deaths": self._movements(),
            "readmission": self._readmissions(),
            "senior-review": self._reviews(),
            "boarding": self._boarding(),
            "emergency-department-stay": self._emergency(),
            "days-of-therapy": self._therapy(),
            "active-prescriptions": self._active(),
            "days-present": {"daysPresent": [self._present()]},
            "timeliness": self._timeliness(),
            "occupancy-over-time": self._over_time(),
            "movements-by-specialty": {
                **self._by("BySpecialty", lambda stay, n: stay.history.segments[n][1].specialty),
                **self._by("ByType", lambda stay, n: stay.history.segments[n][1].admission_type),
            },
            "movements-by-age-and-sex": {
                **self._by("ByAgeGroup", lambda stay, _: self._age_group(stay)),
                **self._by("BySex", lambda stay, _: self._sex(stay)),
                **self._by(
                    "ByAgeGroupAndSex", lambda stay, _: (self._age_group(stay), self._sex(stay))
                ),
            },
        }

    def _over_time(self) -> Figures:
        """Between all moments at which somebody came or went."""
        days = self.plain.days
        begin = self.plain.end_of(days[0] - timedelta(days=1)) + TICK
        end = self.plain.end_of(days[-1]) + TICK
        here = [
            (max(period.start, begin), min(period.end or end, end))
            for stay in self.plain.stays.values()
            for period, state in stay.history.segments
            if state.status is Status.ADMITTED and self.plain.in_scope(self.plain.ward_of(state))
        ]
        here = [(since, until) for since, until in here if since < until]
        present = sum((until - since for since, until in here), timedelta())
        moments = {since for since, _ in here}
        return {
            "meanOccupancy": [Fraction(present // TICK, (end - begin) // TICK)],
            "peakOccupancy": [
                max((sum(s <= at < u for s, u in here) for at in moments), default=0)
            ],
        }

    def _movements(self) -> Figures:
        gone = self.ended()
        died = [(stay, at) for stay, at in gone if self._disposition(stay) == "DIED"]
        early = 0
        for stay, at in died:
            death = self.patients[stay.patient].died_at if stay.patient else None
            early += min(death or at, at) - _admitted(stay) < timedelta(hours=48)
        ins = outs = 0
        for stay in self.plain.stays.values():
            moves = self._moves(stay)
            for before, (since, ward) in pairwise(moves):
                if self.plain.asks_about(self.plain.hospital_day(since)):
                    ins += ward == self.plain.ward
                    outs += before[1] == self.plain.ward
        return {
            "admissions": [len(self.begun())],
            "transfersIn": [ins],
            "transfersOut": [outs],
            "discharges": [len(gone)],
            "deaths": [len(died)],
            "deathsWithin48h": [early],
            "grossDeathRate": [_over(100 * len(died), len(gone))],
            "netDeathRate": [_over(100 * (len(died) - early), len(gone) - early)],
        }

    def _by(self, suffix: str, group: Callable[[Stay, int], object]) -> Figures:
        """The figures of each group of stays, as they are at their beginning (0) or end (-1)."""
        groups: dict[str, defaultdict[object, list[int]]] = defaultdict(lambda: defaultdict(list))
        for stay in self.begun():
            groups["admissions"][group(stay, 0) or "UNKNOWN"].append(1)
        for stay, _ in self.ended():
            of = group(stay, -1) or "UNKNOWN"
            groups["discharges"][of].append(self.plain.length(stay))
            if self._disposition(stay) == "DIED":
                groups["deaths"][of].append(1)
        counts: Figures = {
            f"{name}{suffix}": [len(groups[name][of]) for of in sorted(groups[name], key=str)]
            for name in ("admissions", "discharges", "deaths")
        }
        lengths = groups["discharges"]
        return counts | {
            f"averageLengthOfStay{suffix}": [
                _over(sum(lengths[of]), len(lengths[of])) for of in sorted(lengths, key=str)
            ]
        }

    def _age_group(self, stay: Stay) -> str:
        born = self.patients[self.person(stay.patient)].periods()[-1][1].birth_date
        if born is None:
            return "UNKNOWN"
        day = self.plain.date_of(_admitted(stay))
        age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        bounds = [0, 1, 5, *range(15, 86, 10)]
        lower = max(bound for bound in bounds if bound <= age)
        upper = min((bound - 1 for bound in bounds if bound > age), default=None)
        return f"{lower:02}" + ("+" if upper is None else "" if upper == lower else f"-{upper:02}")

    def _sex(self, stay: Stay) -> str:
        return self.patients[self.person(stay.patient)].periods()[-1][1].sex.value

    def _disposition(self, stay: Stay) -> str | None:
        return stay.history.segments[-1][1].disposition

    def _readmissions(self) -> Figures:
        index = back = 0
        stays_of = defaultdict(list)
        for stay in self.plain.stays.values():
            stays_of[self.person(stay.patient)].append(stay)
        for stay, gone in self.ended():
            if self._disposition(stay) in ("DIED", "AGAINST_ADVICE", "TRANSFERRED"):
                continue
            index += 1
            later = [
                other
                for other in stays_of[self.person(stay.patient)]
                if other is not stay and _admitted(other) >= gone
            ]
            if later:
                first = min(later, key=_admitted)
                days = self.plain.date_of(_admitted(first)) - self.plain.date_of(gone)
                back += first.admission_type == "EMERGENCY" and days.days <= 30
        return {"liveDischarges": [index], "readmissions": [back]}

    def _reviews(self) -> Figures:
        waits = []
        waiting = in_time = 0
        visits = defaultdict(list)
        for of, at, who in self.visits.values():
            visits[of].append((at, who))
        for stay in self.begun():
            seen = [at for at, who in visits[stay.id] if self._senior(who, at)]
            if seen:
                wait = min(seen) - _admitted(stay)
                waits.append(Fraction(wait // TICK, 10**6))
                in_time += wait <= timedelta(hours=14)
            else:
                waiting += self.plain.discharged(stay) is None
        return {
            "admissions": [len(self.begun())],
            "seen": [len(waits)],
            "waiting": [waiting],
            "medianWait": [Fraction(median(waits)) if waits else None],
            "percentile90": [_percentile(waits, 90)],
            "seenInTime": [_over(100 * in_time, len(self.begun()))],
        }

    def _senior(self, who: UUID, at: datetime) -> bool:
        if who not in self.consultants:
            return False
        since = self.consultants[who]
        return since is None or self.plain.date_of(at) >= since

    def _boarding(self) -> Figures:
        times, decided = [], 0
        for stay in self.plain.stays.values():
            decision = stay.decided_to_admit_at
            if decision is None or not self.plain.asks_about(self.plain.hospital_day(decision)):
                continue
            left = next((move for move in self._moves(stay) if move[1] not in EMERGENCY), None)
            if self.plain.in_scope(left[1] if left else None):
                decided += 1
                if left:
                    times.append(max(Fraction((left[0] - decision) // TICK, 10**6), Fraction(0)))
        return {
            "decisions": [decided],
            "boarded": [len(times)],
            "medianBoardingTime": [Fraction(median(times)) if times else None],
        }

    def _emergency(self) -> Figures:
        came, stayed, to_bed = 0, [], []
        for stay in self.begun():
            care = next((f for f in stay.history.facts if isinstance(f, EmergencyCare)), None)
            if care is None:
                continue
            came += 1
            if care.departed_at is not None:
                stayed.append(Fraction((care.departed_at - care.at) // TICK, 10**6))
            beds = [since for since, ward in self._moves(stay) if ward not in EMERGENCY]
            if beds:
                to_bed.append(max(Fraction((beds[0] - care.at) // TICK, 10**6), Fraction(0)))
        in_time = sum(time <= 4 * 3600 for time in stayed)
        return {
            "admissions": [came],
            "departed": [len(stayed)],
            "medianTimeInDepartment": [Fraction(median(stayed)) if stayed else None],
            "percentile95": [sorted(stayed)[ceil(95 * len(stayed) / 100) - 1] if stayed else None],
            "medianTimeToBed": [Fraction(median(to_bed)) if to_bed else None],
            "departedInTime": [_over(100 * in_time, len(stayed))],
        }

    def _therapy(self) -> Figures:
        days = {
            (self.person(held.patient), _agent(held.medication), self.plain.date_of(dose.at))
            for held in self.prescriptions.values()
            for dose in held.course.doses
            if dose.given
            and self.plain.asks_about(self.plain.date_of(dose.at))
            and (self.plain.ward is None or self._ward_at(held.stay, dose.at) == self.plain.ward)
        }
        end = self.plain.end_of(self.plain.days[-1])
        orders = [
            (held.course.written_at, held.medication)
            for held in self.prescriptions.values()
            if not held.course.cancelled and held.course.written_at <= end
        ]
        orders.sort(key=lambda order: order[1].name, reverse=True)
        orders.sort(key=lambda order: order[0])
        called = {_agent(medication): medication.name for _, medication in orders}
        by_drug = Counter(called[agent] for _, agent, _ in days)
        patient_days = self.plain.days_in_period(Status.ADMITTED)
        return {
            "daysOfTherapy": [len(days)],
            "daysOfTherapyByDrug": [by_drug[drug] for drug in sorted(by_drug)],
            "patientDays": [patient_days],
            "rate": [_over(1000 * len(days), patient_days)],
        }

    def _ward_at(self, stay: UUID | None, at: datetime) -> str | None:
        held = self.plain.stays.get(stay) if stay else None
        return self.plain.ward_of(held.history.at(at)) if held else None

    def _active(self) -> Figures:
        result: Figures = {"active": [], "held": []}
        segments = [
            (held.stay, *segment)
            for held in self.prescriptions.values()
            for segment in held.course.segments()
        ]
        for day in self.plain.days:
            census = self.plain.census(day)
            counted: Counter[str] = Counter()
            for stay, period, status, _ in segments:
                if census in period and (
                    self.plain.ward is None or self._ward_at(stay, census) == self.plain.ward
                ):
                    counted[status] += 1
            result["active"].append(counted[PrescriptionStatus.ACTIVE])
            result["held"].append(counted[PrescriptionStatus.HELD])
        return result

    def _present(self) -> int:
        days: set[tuple[UUID, object]] = set()
        for day in self.plain.days:
            midnight = self.plain.end_of(day - timedelta(days=1)) + TICK
            ends = self.plain.end_of(day)
            for stay in self.plain.around[day]:
                for period, state in stay.history.segments:
                    if state.status is not Status.ADMITTED:
                        continue
                    if not self.plain.in_scope(self.plain.ward_of(state)):
                        continue
                    if period.start <= ends and (period.end is None or period.end > midnight):
                        days.add((self.person(stay.patient), day))
        return len(days)

    def _timeliness(self) -> Figures:
        delays = []
        by_ward, by_kind, by_hour = Counter[str](), Counter[str](), Counter[int]()
        by_kinds: defaultdict[str, list[Fraction]] = defaultdict(list)
        for event, told_at in self.told.values():
            occurred = event.entry.occurred_at
            if not self.plain.asks_about(self.plain.date_of(occurred)):
                continue
            assert event.entry.about is not None
            ward = self._ward_at(event.entry.about.stay, occurred)
            if not self.plain.in_scope(ward):
                continue
            delay = Fraction((told_at - occurred) // TICK, 10**6)
            delays.append(delay)
            kind = event.TOPIC.replace(".", "_").replace("-", "_").upper()
            by_kinds[kind].append(delay)
            by_ward[ward or "without a bed"] += 1
            by_kind[kind] += 1
            by_hour[occurred.astimezone(self.plain.zone).hour] += 1
        return {
            "facts": [len(delays)],
            "medianDelay": [Fraction(median(delays)) if delays else None],
            "percentile90": [_percentile(delays, 90)],
            "late": [_over(100 * sum(d > 3600 for d in delays), len(delays))],
            "factsByWard": [by_ward[ward] for ward in sorted(by_ward)],
            "factsByKind": [by_kind[kind] for kind in sorted(by_kind)],
            "medianDelayByKind": [Fraction(median(by_kinds[kind])) for kind in sorted(by_kinds)],
            "factsByHour": [by_hour[hour] for hour in sorted(by_hour)],
        }


def _agent(medication: Medication) -> tuple[str | None, str]:
    """The code with its system, or else the name, in small letters."""
    if medication.code is None:
        return "name", medication.name.lower()
    return (medication.system or "").lower(), medication.code.lower()


def _percentile(amounts: list[Fraction], percent: int) -> Fraction | None:
    """The nearest rank."""
    if not amounts:
        return None
    return sorted(amounts)[ceil(percent * len(amounts) / 100) - 1]
