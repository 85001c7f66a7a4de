"""Each of the mistakes that other systems make is kept out by a test here.

Each was found by reading the code, or the threads, of open hospital systems. The test is named for
the mistake that it keeps out, and goes through the public API.
"""

import re
from pathlib import Path

SAME = set(range(577, 588))
"""Numbers of mistakes about what is the same by another number, another door or another order."""

PLANNING = set(range(160, 165))
"""Numbers of mistakes in finding patients and planning beds."""

USED = set(range(630, 639)) | set(range(750, 758))
"""Numbers of mistakes that those meet who build a screen on the API, or break off."""

WORK = set(range(130, 138)) | set(range(265, 272)) | {340, 341, 342, 343, 604}
"""Numbers of mistakes about the work of a login."""

SPEED = {185, 504, 505, 966, 967}
"""Numbers of mistakes about what an operation costs."""

TAMPERING = set(range(175, 180)) | {262, 273, 403, 404, 780}
"""Numbers of mistakes about a record that its owner can change."""

FHIR = set(range(180, 183)) | {200, 201, 232, 272} | {400, 401, 402} | {600} | set(range(690, 697))
"""Numbers of mistakes about what a FHIR server tells, and what of beds is told in odd orders."""

DOORS = set(range(700, 708)) | set(range(790, 799)) | set(range(860, 864)) | set(range(930, 944))
"""Numbers of mistakes about what the doors of HL7 and FHIR take, and find."""

READINGS = {242, 183, 184, 186, 187, 188, 189} | set(range(220, 225))
"""Numbers of mistakes about what is read or told past the rights and the record of reading."""

SCREENS = {202, 203, 239, 240, 246, 571, 572, 573, 574, 575, 576}
"""Numbers of mistakes about what a screen asks for."""

STARTS = {570}
"""Numbers of mistakes about a program that starts."""

NIGHTS = set(range(950, 958))
"""Numbers of mistakes that an operator meets on a bad night."""

COPIES = {215, 216}
"""Numbers of mistakes about what is read from copies."""

BATCHES = {965}
"""Numbers of mistakes about commands that are appended together."""

KEYS = {210, 213, 214, 231, 261, 390, 391, 540, 541, 542, 543}
"""Numbers of mistakes about keys, what is left of who was erased, and questions that are cancelled."""

PUT_RIGHT = {235, 236, 237, 238} | set(range(278, 283))
"""Numbers of mistakes about facts that are put right."""

OF_PERSONS = {275, 276, 277}
"""Numbers of mistakes about persons who have several records."""

ENDS = set(range(290, 299))
"""Numbers of mistakes about what ends with a life, a stay, an order or a name."""

SAID = set(range(299, 306))
"""Numbers of mistakes about what is said beside a fact, or follows it."""

CAUSES = {420, 421, 588, 589}
"""Numbers of mistakes about what is told of why an issued report is another."""

SIDE_DOORS = set(range(321, 331))
"""Numbers of mistakes about what is told beside what is guarded."""

OPEN_DOORS = {350, 351, 352, 353}
"""Numbers of mistakes about doors that stay open, and what is told past a right of the house."""

ORACLES = set(range(460, 471)) | {601, 602, 958}
"""Numbers of mistakes about what the kind of an answer tells, and who another system is."""

LEFT = {344, 345, 346, 347, 348, 603}
"""Numbers of mistakes about what an erasure leaves, and what other systems say in odd orders."""

ODD_FILES = {500, 501, 502, 503, 697, 698, 699}
"""Numbers of mistakes about files in other forms than they should be, and merges that wait."""

TRUE = set(range(370, 377)) | set(range(422, 438)) | set(range(864, 877))
"""Numbers of mistakes about what is true and refused, or false and accepted."""

EDGES = set(range(720, 728))
"""Numbers of mistakes about true things that are refused, and false ones accepted, at the edges."""

LISTENERS = {660, 661, 662, 663, 664, 810}
"""Numbers of mistakes about messages of other systems that wait, and what is run for years."""

NOT_GIVEN = {40, 41, 42, 48, 49, 50, 51, 59, 62, 71, 72, 73, 80}
"""Numbers of no mistake."""

MISTAKES = (
    set(range(1, 86))
    | LEFT
    | TRUE
    | SAME
    | ODD_FILES
    | set(range(90, 99))
    | set(range(110, 128))
    | set(range(251, 260))
    | set(range(140, 147))
    | set(range(170, 175))
    | set(range(165, 170))
    | set(range(205, 209))
    | {190, 204, 209, 211, 212, 217, 218, 219, 245}
    | set(range(147, 160))
    | set(range(191, 195))
    | {128, 129, 138, 139, 195, 196, 233, 234}
    | {225, 226, 227, 228, 241, 243, 244}
    | PUT_RIGHT
    | OF_PERSONS
    | ENDS
    | SAID
    | {230, 250, 260, 263, 264, 320, 900, 901, 902, 903}
) - NOT_GIVEN


def test_every_mistake_has_a_test() -> None:
    files = Path(__file__).parent.glob("test_*.py")
    result = {
        int(number)
        for file in files
        for number in re.findall(r"^def test_mistake_(\d\d\d?)_", file.read_text(), re.MULTILINE)
    }
    assert sorted(result) == sorted(
        MISTAKES
        | TAMPERING
        | WORK
        | SPEED
        | PLANNING
        | USED
        | FHIR
        | READINGS
        | COPIES
        | STARTS
        | NIGHTS
        | SCREENS
        | BATCHES
        | KEYS
        | SIDE_DOORS
        | CAUSES
        | OPEN_DOORS
        | ORACLES
        | LISTENERS
        | EDGES
        | DOORS
    )
