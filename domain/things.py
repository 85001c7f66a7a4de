"""Things that a refusal says are not there, or are there already, by fixed names."""

import re

from domain.described_enum import DescribedEnum

_POINTED = re.compile(r"(.+?) (with|of|to)(?: (?!this )(.+))?")


class Thing(DescribedEnum):
    """Kind of a thing that is not there, or is there already.

    The value is its name as a sentence has it: there is no … with that id, number or name.
    """

    ADMISSION_OF_VISIT = "admission of visit", "The admission of another system's visit."
    ALLERGY = "allergy", "An allergy or intolerance, by its id."
    ALLERGY_TO = "allergy to", "An allergy or intolerance of the patient, by its substance."
    BED = "bed", "A bed, by its code in the room."
    CHANGE = "change", "A change of a prescription, by its id."
    BED_STATE = "closure, cleaning or reservation", "A state of a bed, by its id."
    COMMAND = "command", "A command, by its id."
    COMMAND_OR_QUERY = "command or query", "A mutation, query or subscription, by its name."
    CONSULT = "consult", "A consult, by its id."
    CONSULT_OF_STAY = "consult of this stay", "A consult of that stay, by its id."
    DOSE = "dose", "A dose, by its id."
    EXPECTED_ARRIVAL = "expected arrival", "An expected arrival, by its id."
    FLAG = "flag", "A flag, by its id."
    ISSUED_REPORT = "issued report", "A report that was given out, by its id."
    MERGE = "merge", "A merge of two records, by its id."
    MOVEMENT = "movement", "A movement, by its id."
    PATIENT = "patient", "A patient, by an id."
    PATIENT_WITH_MRN = "patient with MRN", "A patient, by an MRN."
    PRACTITIONER = "practitioner", "A practitioner, by an id."
    STAFF_NUMBER = "practitioner with staff number", "A practitioner, by a staff number."
    PRESCRIPTION = "prescription", "A prescription, by its id."
    PRESCRIPTION_OF_STAY = "prescription of this stay", "A prescription of that stay, by its id."
    REPORT = "report", "A report, by its name."
    RESERVATION = "reservation", "A reservation of a bed, by its id."
    ROOM = "room", "A room, by its number in the ward or its id."
    STAY = "stay", "A stay, by its id."
    STAY_OF_VISIT = "stay of visit", "The stay of another system's visit."
    VISIT = "visit", "A visit, by its id."
    WARD = "ward", "A ward, by its name."

    @property
    def topic(self) -> str:
        """Return the first part of the topics of its events, of a thing that has a stream."""
        return self.split()[-1]

    def without_key(self, article: str = "") -> str:
        """Return the thing as a sentence has it that tells no key: such stay, patient with this MRN."""
        if match := _POINTED.fullmatch(self):
            head, joint, key = match.groups("")
            return f"{article}{head} {joint} this {key}".rstrip()
        return f"such {article}{self}"


_OF_STREAMS = {
    kind.topic: kind
    for kind in (
        Thing.EXPECTED_ARRIVAL,
        Thing.ISSUED_REPORT,
        Thing.PATIENT,
        Thing.PRACTITIONER,
        Thing.PRESCRIPTION,
        Thing.ROOM,
        Thing.STAY,
    )
}


def other_kind(topic: str) -> str:
    """Return a sentence that says of what else an id is, by the first part of a topic; or nothing."""
    kind = _OF_STREAMS.get(topic)
    if kind is None:
        return ""
    return f"That is the id of {'an' if kind[0] in 'aeiou' else 'a'} {kind}."
