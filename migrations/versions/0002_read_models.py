"""The read models, each in a schema of its own version. Their rows come from the log.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

READ_MODELS = (
    """
CREATE SCHEMA patients_v1;
CREATE TABLE patients_v1.patients (
    patient UUID NOT NULL,
    mrn VARCHAR NOT NULL,
    mrn_authority VARCHAR NOT NULL,
    family_name VARCHAR,
    given_name VARCHAR,
    birth_date DATE,
    sex VARCHAR NOT NULL,
    confidentiality VARCHAR NOT NULL,
    died_at TIMESTAMP WITH TIME ZONE,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN patients_v1.patients.position IS 'the event that made the row';
CREATE INDEX patients_mrn ON patients_v1.patients (mrn);
CREATE INDEX patients_patient ON patients_v1.patients (patient);
CREATE INDEX patients_when ON patients_v1.patients USING gist (during, known);
CREATE TABLE patients_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
""",
    """
CREATE SCHEMA practitioners_v1;
CREATE TABLE practitioners_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
CREATE TABLE practitioners_v1.practitioners (
    practitioner UUID NOT NULL,
    staff_number VARCHAR NOT NULL,
    family_name VARCHAR,
    given_name VARCHAR,
    grade VARCHAR NOT NULL,
    grade_from DATE,
    specialty VARCHAR,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN practitioners_v1.practitioners.position IS 'the event that made the row';
CREATE INDEX practitioners_practitioner ON practitioners_v1.practitioners (practitioner);
CREATE INDEX practitioners_staff_number ON practitioners_v1.practitioners (staff_number);
CREATE INDEX practitioners_when ON practitioners_v1.practitioners USING gist (during, known);
""",
    """
CREATE SCHEMA rooms_v1;
CREATE TABLE rooms_v1.beds (
    bed_key UUID NOT NULL,
    room UUID NOT NULL,
    bed VARCHAR NOT NULL,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN rooms_v1.beds.position IS 'the event that made the row';
CREATE INDEX beds_bed_key ON rooms_v1.beds (bed_key);
CREATE INDEX beds_room ON rooms_v1.beds (room);
CREATE INDEX beds_when ON rooms_v1.beds USING gist (during, known);
CREATE TABLE rooms_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
CREATE TABLE rooms_v1.rooms (
    room UUID NOT NULL,
    ward VARCHAR NOT NULL,
    number VARCHAR NOT NULL,
    policies VARCHAR[] NOT NULL,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN rooms_v1.rooms.position IS 'the event that made the row';
CREATE INDEX rooms_room ON rooms_v1.rooms (room);
CREATE INDEX rooms_ward ON rooms_v1.rooms (ward);
CREATE INDEX rooms_when ON rooms_v1.rooms USING gist (during, known);
CREATE TABLE rooms_v1.spells (
    spell UUID NOT NULL,
    room UUID NOT NULL,
    bed VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR,
    for_patient UUID,
    for_stay UUID,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN rooms_v1.spells.position IS 'the event that made the row';
CREATE INDEX spells_room ON rooms_v1.spells (room);
CREATE INDEX spells_spell ON rooms_v1.spells (spell);
CREATE INDEX spells_when ON rooms_v1.spells USING gist (during, known);
""",
    """
CREATE SCHEMA stays_v1;
CREATE TABLE stays_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
CREATE TABLE stays_v1.stays (
    stay UUID NOT NULL,
    patient UUID NOT NULL,
    status VARCHAR NOT NULL,
    admission_type VARCHAR NOT NULL,
    admitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_to_admit_at TIMESTAMP WITH TIME ZONE,
    discharged_at TIMESTAMP WITH TIME ZONE,
    attending UUID,
    specialty VARCHAR,
    room UUID,
    bed VARCHAR,
    shares_bed_of UUID,
    without_bed VARCHAR,
    bed_kept BOOLEAN NOT NULL,
    expected_return TIMESTAMP WITH TIME ZONE,
    plan VARCHAR NOT NULL,
    expected_discharge TIMESTAMP WITH TIME ZONE,
    disposition VARCHAR,
    destination VARCHAR,
    confidentiality VARCHAR NOT NULL,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN stays_v1.stays.position IS 'the event that made the row';
CREATE INDEX stays_patient ON stays_v1.stays (patient);
CREATE INDEX stays_room ON stays_v1.stays (room);
CREATE INDEX stays_stay ON stays_v1.stays (stay);
CREATE INDEX stays_when ON stays_v1.stays USING gist (during, known);
""",
    """
CREATE SCHEMA occupancy_v1;
CREATE TABLE occupancy_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
CREATE TABLE occupancy_v1.stretches (
    stay UUID NOT NULL,
    patient UUID NOT NULL,
    room UUID NOT NULL,
    bed VARCHAR NOT NULL,
    kept BOOLEAN NOT NULL,
    shares_bed_of UUID,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN occupancy_v1.stretches.position IS 'the event that made the row';
CREATE INDEX stretches_room ON occupancy_v1.stretches (room);
CREATE INDEX stretches_stay ON occupancy_v1.stretches (stay);
CREATE INDEX stretches_when ON occupancy_v1.stretches USING gist (during, known);
""",
    """
CREATE SCHEMA timeline_v1;
CREATE TABLE timeline_v1.entries (
    entry UUID NOT NULL,
    patient UUID NOT NULL,
    stay UUID,
    subject UUID NOT NULL,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    movement UUID,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    precision VARCHAR NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_position BIGINT NOT NULL,
    late BOOLEAN NOT NULL,
    recorded_by JSONB NOT NULL,
    performed_by VARCHAR,
    reason VARCHAR,
    source JSONB,
    data JSONB NOT NULL,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN timeline_v1.entries.subject IS 'the stream: stay, prescription, patient';
COMMENT ON COLUMN timeline_v1.entries.position IS 'the event that made the row';
CREATE INDEX entries_entry ON timeline_v1.entries (entry);
CREATE INDEX entries_movement ON timeline_v1.entries (movement);
CREATE INDEX entries_patient ON timeline_v1.entries (patient);
CREATE INDEX entries_stay ON timeline_v1.entries (stay);
CREATE INDEX entries_when ON timeline_v1.entries USING gist (during, known);
CREATE TABLE timeline_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
""",
    """
CREATE SCHEMA prescriptions_v1;
CREATE TABLE prescriptions_v1.doses (
    administration UUID NOT NULL,
    prescription UUID NOT NULL,
    stay UUID NOT NULL,
    given BOOLEAN NOT NULL,
    dose_given VARCHAR,
    reason_not_given VARCHAR,
    outside_prescription VARCHAR,
    performed_by VARCHAR,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN prescriptions_v1.doses.position IS 'the event that made the row';
CREATE INDEX doses_administration ON prescriptions_v1.doses (administration);
CREATE INDEX doses_prescription ON prescriptions_v1.doses (prescription);
CREATE INDEX doses_stay ON prescriptions_v1.doses (stay);
CREATE INDEX doses_when ON prescriptions_v1.doses USING gist (during, known);
CREATE TABLE prescriptions_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
CREATE TABLE prescriptions_v1.prescriptions (
    prescription UUID NOT NULL,
    stay UUID NOT NULL,
    patient UUID NOT NULL,
    status VARCHAR NOT NULL,
    medication VARCHAR NOT NULL,
    medication_code VARCHAR,
    medication_system VARCHAR,
    dose VARCHAR,
    route VARCHAR,
    frequency VARCHAR,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    start TIMESTAMP WITH TIME ZONE NOT NULL,
    stop TIMESTAMP WITH TIME ZONE,
    prescriber UUID,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN prescriptions_v1.prescriptions.position IS 'the event that made the row';
CREATE INDEX prescriptions_prescription ON prescriptions_v1.prescriptions (prescription);
CREATE INDEX prescriptions_stay ON prescriptions_v1.prescriptions (stay);
CREATE INDEX prescriptions_when ON prescriptions_v1.prescriptions USING gist (during, known);
""",
    """
CREATE SCHEMA visits_v1;
CREATE TABLE visits_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
CREATE TABLE visits_v1.visits (
    visit UUID NOT NULL,
    stay UUID NOT NULL,
    practitioner UUID NOT NULL,
    kind VARCHAR NOT NULL,
    note VARCHAR,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN visits_v1.visits.position IS 'the event that made the row';
CREATE INDEX visits_stay ON visits_v1.visits (stay);
CREATE INDEX visits_visit ON visits_v1.visits (visit);
CREATE INDEX visits_when ON visits_v1.visits USING gist (during, known);
""",
)


def upgrade() -> None:
    for schema in READ_MODELS:
        op.execute(schema)


def downgrade() -> None:
    for schema in READ_MODELS:
        op.execute(f"DROP SCHEMA {schema.split()[2].rstrip(';')} CASCADE")
