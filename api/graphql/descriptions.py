"""What each value of an enumeration means, for those who read the schema.

Here and not beside the values: most of them are the domain's own, and the domain knows no GraphQL.
"""

from collections.abc import Mapping

from graphql import GraphQLEnumType, GraphQLSchema

Words = Mapping[str, str]

VALUES: Mapping[str, Words] = {
    "AdmissionType": {
        "EMERGENCY": "Unplanned, needed at once.",
        "ELECTIVE": "Planned beforehand.",
        "MATERNITY": "To give birth.",
        "NEWBORN": "Born here.",
        "TRANSFER_IN": "From another hospital.",
        "DAY_CASE": "Planned to leave on the same day.",
    },
    "Because": {
        "ENTERED_IN_ERROR": "It never was: it is void for all valid time.",
        "DECISION_REVERSED": "It stands until the time of the reversal; from then on what held before it"
        " holds again.",
    },
    "BedState": {
        "OCCUPIED": "A patient lies in it.",
        "KEPT": "Its patient is on leave and will come back to it.",
        "CLOSED": "Nobody may be put into it until it is reopened.",
        "CLEANING": "It is being cleaned.",
        "RESERVED": "It is held for somebody until a time.",
        "FREE": "None of these: it can be given.",
    },
    "Confidentiality": {
        "NORMAL": "Open to all who may see data of this kind (HL7 v3: N).",
        "RESTRICTED": "Open to fewer roles (R).",
        "VERY_RESTRICTED": "Open to very few roles (V).",
    },
    "DischargePlan": {
        "NONE": "Nothing is planned.",
        "PLANNED": "A discharge is expected.",
        "CLEARED": "The patient may leave as far as medicine is concerned.",
    },
    "Disposition": {
        "HOME": "To where the patient lives.",
        "TRANSFERRED": "To another institution.",
        "AGAINST_ADVICE": "Left against advice.",
        "DIED": "Died here.",
        "OTHER": "Anywhere else.",
    },
    "EntryStatus": {
        "TRUE": "It is held to be so.",
        "CORRECTED": "Another entry has put it right.",
        "CANCELLED": "It was taken back.",
        "PENDING": "Another system reports it, and it does not fit the record yet.",
    },
    "Grade": {
        "CONSULTANT": "Answers for patients.",
        "SPECIALIST": "Has finished training in a specialty.",
        "RESIDENT": "Is in training.",
        "OTHER": "None of these.",
    },
    "LateEntryKind": {
        "TRANSFER": "A move to another bed.",
        "START_LEAVE": "The patient left for a while.",
        "END_LEAVE": "The patient came back from leave.",
    },
    "OutsidePrescription": {
        "LATE": "It was due within the prescription, and given after its end.",
        "EMERGENCY": "There was no time to prescribe it.",
    },
    "Precision": {
        "MINUTE": "To the minute.",
        "HOUR": "To the hour.",
        "DAY": "To the day.",
        "ESTIMATED": "Estimated.",
    },
    "PrescriptionStatus": {
        "SCHEDULED": "It begins later.",
        "ACTIVE": "It is to be given.",
        "HELD": "It is not to be given until it is resumed.",
        "STOPPED": "It was ended before its time.",
        "COMPLETED": "All of it was given, or its time is over.",
        "CANCELLED": "It never was valid.",
    },
    "Purpose": {
        "TREATMENT": "To treat the patient.",
        "EMERGENCY": "To treat the patient in an emergency.",
        "ADMINISTRATION": "To run the hospital.",
        "QUALITY": "To see and improve the quality of care.",
        "PUBLIC_HEALTH": "Duties of public health.",
        "RESEARCH": "Research.",
        "PATIENT_REQUEST": "The patient asks for it.",
        "LEGAL": "Duties of law.",
    },
    "RoomPolicy": {
        "ISOLATION": "One patient alone.",
        "ONE_SEX_ONLY": "Patients of one sex at a time.",
        "CHILDREN_ONLY": "Children only.",
    },
    "Sex": {
        "FEMALE": "Female.",
        "MALE": "Male.",
        "OTHER": "Neither of these.",
        "UNKNOWN": "Not known.",
    },
    "SourceMovementKind": {
        "ADMIT": "An admission (HL7 A01).",
        "TRANSFER": "A transfer (A02).",
        "START_LEAVE": "The patient left for a while (A21).",
        "END_LEAVE": "The patient came back from leave (A22).",
        "DISCHARGE": "A discharge (A03).",
    },
    "SourceMovementStatus": {
        "RECORDED": "It fits, and is held to be so.",
        "CANCELLED": "The other system took it back.",
        "PENDING": "It does not fit yet, and is tried again.",
    },
    "StayStatus": {
        "ADMITTED": "The patient is here.",
        "ON_LEAVE": "The patient is away and will come back.",
        "DISCHARGED": "The patient has left for good.",
        "CANCELLED": "The stay never was.",
    },
    "TimelineReading": {
        "ALL": "With what was corrected and cancelled, in the order in which it happened.",
        "TRUTH": "Only what is held to be so.",
        "RECORD": "All, in the order in which it became known.",
    },
    "VisitKind": {
        "ROUND": "A round on the ward.",
        "REVIEW": "A look at one patient by the treating team.",
        "CONSULT": "Another specialty was asked.",
    },
}
"""By the name of the enumeration, and of its value."""

TOPICS: Words = {
    "drug-chart.prescription-charted": "A prescription was added to a stay's drug chart.",
    "glass.broken": "Somebody opened a patient's closed data, with a reason.",
    "hospital-time.set": "The hospital's time zone and census time were set.",
    "occupancy.stretches-changed": "Who lies in a bed, and from when until when, is held otherwise.",
    "patient.details-changed": "What is known of a person changed from a time on.",
    "patient.details-corrected": "What was known of a person was wrong, and was put right.",
    "patient.died": "A patient died.",
    "patient.merged": "Two records turned out to be of one person.",
    "patient.registered": "A patient was registered.",
    "patient.unmerged": "Two records turned out to be of two persons after all.",
    "practitioner.registered": "A practitioner was registered.",
    "prescription.administration-cancelled": "A dose was taken back.",
    "prescription.administration-corrected": "What was said of a dose was put right.",
    "prescription.administration-recorded": "A dose was given, or not given and why.",
    "prescription.cancelled": "A prescription was taken back.",
    "prescription.changed": "Dose, route, frequency or end of a prescription changed.",
    "prescription.completed": "A prescription was completed.",
    "prescription.held": "A prescription is not to be given for now.",
    "prescription.resumed": "A prescription is to be given again.",
    "prescription.stop-corrected": "The end that a discharge gave a prescription was put right with it.",
    "prescription.stopped": "A prescription was ended before its time.",
    "prescription.written": "A prescription was written.",
    "report.issued": "A report was given out.",
    "report.restated": "A report that was given out was said again, as known since.",
    "room.bed-added": "A room got another bed.",
    "room.bed-closed": "A bed was closed.",
    "room.bed-reopened": "A bed was opened again.",
    "room.bed-reserved": "A bed was reserved.",
    "room.cleaning-finished": "A bed is clean.",
    "room.cleaning-started": "A bed is being cleaned.",
    "room.opened": "A room was opened with its beds.",
    "room.policy-set": "A policy of a room was set or lifted.",
    "room.reservation-released": "A reservation was given up.",
    "source-visit.reported": "Another system reported a movement, or its cancel.",
    "source-visit.settled": "What another system reported was tried, and holds or waits.",
    "stay.admission-cancelled": "An admission was taken back, and the stay with it.",
    "stay.admitted": "A patient was admitted.",
    "stay.attending-changed": "Another doctor answers for the stay.",
    "stay.bed-swapped": "Two patients swapped their beds.",
    "stay.discharge-cancelled": "A discharge was taken back.",
    "stay.discharge-planned": "A discharge was planned, or the plan changed.",
    "stay.discharged": "A patient was discharged.",
    "stay.leave-ended": "A patient came back from leave.",
    "stay.leave-started": "A patient went on leave.",
    "stay.movement-cancelled": "A movement was taken back.",
    "stay.movement-corrected": "Time or place of a movement were put right.",
    "stay.room-allocated": "A patient who had no bed got one.",
    "stay.specialty-changed": "The stay belongs to another specialty.",
    "stay.transferred": "A patient was moved to another place.",
    "stay.visit-amended": "What was said of a visit was put right.",
    "stay.visit-cancelled": "A visit was taken back.",
    "stay.visit-recorded": "A doctor visited a patient.",
}
"""By the topic of the event, whatever a kind of the timeline or of the feed is called."""

_INPUT = "What the command says, with the id that the client made for it."


def describe(schema: GraphQLSchema) -> None:
    """Put the words into the schema. What has none is found by a test, not here."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLEnumType) and not kind.name.startswith("__"):
            for name, value in kind.values.items():
                words = VALUES.get(kind.name, {}).get(name) or TOPICS.get(_topic(value.value))
                value.description = value.description or words
    mutations = schema.mutation_type
    for field in mutations.fields.values() if mutations else ():
        field.args["input"].description = _INPUT


def _topic(value: object) -> str:
    """An event's topic, where a value stands for one: it is the value itself, or its name."""
    return _BY_NAME.get(str(getattr(value, "value", value)), "")


_BY_NAME = {
    **{topic: topic for topic in TOPICS},
    **{topic.replace(".", "_").replace("-", "_").upper(): topic for topic in TOPICS},
}
