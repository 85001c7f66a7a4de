"""Tables of the history for analysts: six, each row with valid time and recording time.

Patients are ids here: no names, no dates of birth, no MRN (the number on the wristband names a person
in every other system too), and no text that somebody wrote about a patient: notes and reasons. An
id joins the rows of one patient, which is what counting needs; whoever may know more asks `patient`.
"""

from dataclasses import dataclass

from infrastructure.read_models.bed_uses import stretches
from infrastructure.read_models.patients import patients
from infrastructure.read_models.practitioners import practitioners
from infrastructure.read_models.prescriptions import doses, prescriptions
from infrastructure.read_models.rooms import rooms
from infrastructure.read_models.stays import stays
from infrastructure.read_models.timeline.projection import entries
from infrastructure.read_models.visits import visits


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type in DuckDB, the expression it is read by, and what it means."""

    name: str
    type: str
    sql: str
    meaning: str


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """A table as known at one position: ``source`` is its FROM clause."""

    name: str
    meaning: str
    source: str
    columns: tuple[Column, ...]

    @property
    def select(self) -> str:
        """Return the SELECT of its rows; the parameter ``known`` is the position."""
        columns = ", ".join(f"{c.sql} AS {c.name}" for c in self.columns)
        return f"{_PERSONS} SELECT {columns} FROM {self.source}"

    @property
    def structure(self) -> dict[str, str]:
        """Return the types of its columns in DuckDB, in order."""
        return {c.name: c.type for c in self.columns}


_KNOWN = "%(known)s::int8"

_PERSONS = (
    "WITH RECURSIVE links AS (SELECT DISTINCT patient, merged_into AS person"
    f" FROM {patients.fullname} WHERE merged_into IS NOT NULL AND known @> {_KNOWN}),"
    " followed AS (SELECT * FROM links UNION SELECT f.patient, l.person FROM followed f"
    " JOIN links l ON l.patient = f.person),"
    " persons AS (SELECT * FROM followed WHERE person NOT IN (SELECT patient FROM links))"
)
"""The persons of records that were merged into others, as known at the position."""

_OF_STAY = (
    f"JOIN (SELECT DISTINCT stay, patient FROM {stays.fullname} WHERE known @> {_KNOWN}) s"
    " ON s.stay = t.stay"
)

_PLACE = f"LEFT JOIN {rooms.fullname} r ON r.room = {{room}} AND r.known @> {_KNOWN}"


def _from(table: str, *joins: str, patient: str) -> str:
    """Return a FROM clause: rows as known at the position, the person, and when a row became known."""
    person = f"LEFT JOIN persons p ON p.patient = {patient}"
    event = "JOIN record.events e ON e.position = lower(t.known)"
    return f"{table} t {' '.join((*joins, person, event))} WHERE t.known @> {_KNOWN}"


def _patient(of: str) -> tuple[Column, ...]:
    return (
        Column("patient", "UUID", f"{of}.patient", "the record that the fact was told of"),
        Column(
            "person",
            "UUID",
            f"coalesce(p.person, {of}.patient)",
            "the same, or the record it is merged into; count persons by this",
        ),
    )


_STAY = Column("stay", "UUID", "t.stay", "the stay")
_OCCURRED = Column("occurred_at", "TIMESTAMPTZ", "lower(t.during)", "when it happened")
_DURING = (
    Column("since", "TIMESTAMPTZ", "lower(t.during)", "from when on it was so"),
    Column("until", "TIMESTAMPTZ", "upper(t.during)", "until when; NULL: it still is so"),
)
_KNOWN_FROM = (
    Column(
        "recorded_at", "TIMESTAMPTZ", "e.recorded_at", "when the record learned that this is so"
    ),
    Column("position", "BIGINT", "lower(t.known)", "the place in the log where it did"),
)
_ENTRY = (
    Column("occurred_at", "TIMESTAMPTZ", "t.occurred_at", "when it happened"),
    Column("precision", "VARCHAR", "t.precision", "how exactly that is known"),
    Column("recorded_at", "TIMESTAMPTZ", "t.recorded_at", "when the record was told"),
    Column("position", "BIGINT", "t.recorded_position", "the place in the log where it was"),
    Column("late", "BOOLEAN", "t.late", "told more than 60 minutes afterwards"),
    Column("recorded_by", "VARCHAR", "t.recorded_by->>'subject'", "who told it: the login"),
    Column("recorded_as", "VARCHAR", "t.recorded_by->>'role'", "in which role"),
    Column("performed_by", "VARCHAR", "t.performed_by", "who did it, where that was said"),
    Column("source", "VARCHAR", "t.source->>'system'", "the system that knew first"),
)


def _of_data(name: str, meaning: str, type: str = "VARCHAR") -> Column:
    """Return a column of a timeline entry's data; NULL where the fact does not have it."""
    value = f"t.data->>'{name}'"
    return Column(name, type, f"({value})::uuid" if type == "UUID" else value, meaning)


_WHERE = (
    Column("ward", "VARCHAR", "r.ward", "the ward of the room"),
    Column("room", "VARCHAR", "r.number", "the room's number in its ward"),
)

TABLES: tuple[HistoryTable, ...] = (
    HistoryTable(
        "movements",
        "Admissions, moves, leaves, discharges, changes of doctor and specialty: what is held true,"
        " each once, at its right time. A swap of beds has a row for either stay.",
        f"{entries.fullname} t "
        + _PLACE.format(room="(t.data->'bed'->>'room')::uuid")
        + " AND r.during @> t.occurred_at LEFT JOIN persons p ON p.patient = t.patient"
        f" WHERE t.known @> {_KNOWN} AND t.status = 'TRUE' AND t.movement IS NOT NULL"
        " AND t.subject = t.stay",
        (
            Column("movement", "UUID", "t.movement", "its id, through all corrections"),
            _STAY,
            *_patient("t"),
            Column("kind", "VARCHAR", "t.kind", "STAY_ADMITTED, STAY_TRANSFERRED, …"),
            *_ENTRY,
            *_WHERE,
            Column("bed", "VARCHAR", "t.data->'bed'->>'bed'", "the bed that was given"),
            _of_data("shares_bed_of", "the mother's stay, for a child in her bed", "UUID"),
            _of_data("without_bed", "where the patient was put without a bed"),
            _of_data("admission_type", "EMERGENCY, ELECTIVE, …; of an admission"),
            _of_data("specialty", "the responsible specialty, where it is said anew"),
            _of_data("attending", "the responsible doctor, where it is said anew", "UUID"),
            _of_data("disposition", "HOME, DIED, …; of a discharge"),
        ),
    ),
    HistoryTable(
        "stretches",
        "Who lay in which bed, or kept it while on leave, from when to when.",
        _from(
            stretches.fullname,
            _PLACE.format(room="t.room") + " AND r.during @> lower(t.during)",
            patient="t.patient",
        ),
        (
            _STAY,
            *_patient("t"),
            *_WHERE,
            Column("bed", "VARCHAR", "t.bed", "the bed"),
            Column("kept", "BOOLEAN", "t.kept", "kept during leave, nobody in it"),
            Column("shares_bed_of", "UUID", "t.shares_bed_of", "a child in its mother's bed"),
            *_DURING,
            *_KNOWN_FROM,
        ),
    ),
    HistoryTable(
        "visits",
        "Doctors seeing patients, without what they noted.",
        _from(
            visits.fullname,
            _OF_STAY,
            f"LEFT JOIN {practitioners.fullname} d ON d.practitioner = t.practitioner"
            f" AND d.known @> {_KNOWN} AND d.during @> lower(t.during)",
            patient="s.patient",
        ),
        (
            Column("visit", "UUID", "t.visit", "its id, through all amendments"),
            _STAY,
            *_patient("s"),
            Column("practitioner", "UUID", "t.practitioner", "the doctor"),
            Column("grade", "VARCHAR", "d.grade", "the doctor's grade"),
            Column("kind", "VARCHAR", "t.kind", "ROUND, REVIEW or CONSULT"),
            _OCCURRED,
            *_KNOWN_FROM,
        ),
    ),
    HistoryTable(
        "prescriptions",
        "A row for each period in which a prescription stood the same: status, dose, frequency.",
        _from(prescriptions.fullname, patient="t.patient"),
        (
            Column("prescription", "UUID", "t.prescription", "the prescription"),
            _STAY,
            *_patient("t"),
            Column("status", "VARCHAR", "t.status", "ACTIVE, HELD, STOPPED, …"),
            Column("medication", "VARCHAR", "t.medication", "the medicine's name"),
            Column("code", "VARCHAR", "t.medication_code", "its code"),
            Column("system", "VARCHAR", "t.medication_system", "the system of that code"),
            Column("dose", "VARCHAR", "t.dose", "the dose, as written"),
            Column("route", "VARCHAR", "t.route", "the way it is given"),
            Column("frequency", "VARCHAR", "t.frequency", "how often"),
            Column("written_at", "TIMESTAMPTZ", "t.written_at", "when it was first written"),
            Column("start", "TIMESTAMPTZ", "t.start", "when giving it begins, as planned"),
            Column("stop", "TIMESTAMPTZ", "t.stop", "when it ends, as planned"),
            Column("prescriber", "UUID", "t.prescriber", "the doctor who prescribed it"),
            *_DURING,
            *_KNOWN_FROM,
        ),
    ),
    HistoryTable(
        "doses",
        "Doses given, or not given.",
        _from(doses.fullname, _OF_STAY, patient="s.patient"),
        (
            Column("administration", "UUID", "t.administration", "its id, through corrections"),
            Column("prescription", "UUID", "t.prescription", "the prescription"),
            _STAY,
            *_patient("s"),
            Column("given", "BOOLEAN", "t.given", "false: it was not given"),
            Column("dose_given", "VARCHAR", "t.dose_given", "the dose, where it was another"),
            Column(
                "outside_prescription",
                "VARCHAR",
                "t.outside_prescription",
                "LATE or EMERGENCY: given outside of the prescription's time",
            ),
            Column("performed_by", "VARCHAR", "t.performed_by", "who gave it, where said"),
            _OCCURRED,
            *_KNOWN_FROM,
        ),
    ),
    HistoryTable(
        "facts",
        "Everything that was ever told of patients, with what became of it: also what was corrected"
        " and cancelled.",
        f"{entries.fullname} t LEFT JOIN persons p ON p.patient = t.patient"
        f" WHERE t.known @> {_KNOWN}",
        (
            Column("entry", "UUID", "t.entry", "the telling itself"),
            Column("fact", "UUID", "t.fact", "the movement, visit or dose that it tells of"),
            _STAY,
            *_patient("t"),
            Column("kind", "VARCHAR", "t.kind", "STAY_ADMITTED, PRESCRIPTION_WRITTEN, …"),
            Column("status", "VARCHAR", "t.status", "TRUE, CORRECTED or CANCELLED"),
            Column("corrects", "UUID", "t.corrects", "the entry in whose place it is"),
            Column("corrected_by", "UUID", "t.corrected_by", "the entry in its place"),
            Column("cancels", "UUID", "t.cancels", "the entry that it takes back"),
            Column("cancelled_by", "UUID", "t.cancelled_by", "the entry that takes it back"),
            *_ENTRY,
        ),
    ),
)
