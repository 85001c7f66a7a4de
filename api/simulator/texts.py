"""Texts of the simulated hospital: names, notes and reasons. Data only."""

_FAMILY_NAMES = """
Abe Adeyemi Ahmed Andersson Bauer Begum Bianchi Castro Chen Cohen Costa Demir Diallo Dubois
Eriksen Fernández Fischer Garcia Georgiou Haddad Hansen Horvat Ibrahim Ivanova Jovanović
Kaya Keller Khan Kim Kovács Kowalski Kumar Lindqvist Lopes Mbeki Meyer Moreau Müller
Nakamura Ndiaye Nguyen Novák O’Brien Okafor Osei Papadopoulos Patel Petrov Popescu Rossi
Sato Schmidt Silva Smith Tanaka Tesfaye Virtanen Weber Yılmaz
"""
_FEMALE_NAMES = """
Aisha Amara Anna Aylin Beatriz Camille Chiara Elena Emma Fatima Freja Hana Ingrid Ioana
Katarzyna Leila Lucía Mei Ngozi Olivia Priya Sakura Sofia Thi Zofia
"""
_MALE_NAMES = """
Adam Ahmed Aleksandar Arjun Bence Carlos Daniel Emre Erik Finn Giorgos Hiroshi Ivan Jakub
João Kofi Lars Liam Luca Mateo Minh Omar Samuel Tomáš Wei
"""
FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES = (
    names.split() for names in (_FAMILY_NAMES, _FEMALE_NAMES, _MALE_NAMES)
)

FIRST_REVIEW = (
    "History taken and examined. Bloods and imaging requested, plan discussed with the patient.",
    "Reviewed on admission. Haemodynamically stable. Continue as started by the resident.",
    "Unwell on arrival, better after fluids. Observations every four hours.",
)
ROUND = (
    "Comfortable, afebrile. Continue.",
    "Slept poorly. Pain 4/10, analgesia adjusted.",
    "Inflammatory markers falling. Eating and drinking.",
    "Mobilised with physiotherapy. No new complaints.",
    "Temperature 38.4 overnight, cultures sent.",
)
CONSULT = (
    "Thank you for asking. Advice given, will see again on request.",
    "Rate controlled, continue. Echocardiography as an outpatient.",
)
LATE = (
    "written up after the shift",
    "ward busy, entered later",
    "from the paper chart",
    "found missing at handover",
)
BREAK_GLASS = ("in my care on this shift", "needed at the bedside at once", "called to help")
WRONG_BED = ("wrong bed entered", "beds mixed up on the list")
NEVER_MOVED = ("entered for the wrong patient", "entered in error, was not moved")
BEDS_MIXED_UP = "each was entered in the other's bed"
CAME_BACK = ("nobody came to take the patient home", "transport did not come")
AMENDED = ("dictated note, read again", "typing error")
VISIT_CANCELLED = ("noted for the wrong patient", "noted twice")
DOSE_CORRECTED = ("another amount was given, see chart", "seen at the count of ampoules")
DOSE_CANCELLED = ("charted for the wrong patient", "charted, but found on the tray")
RECOGNISED = ("recognised by a relative", "papers were brought in")
BED_CLOSED = ("bed frame broken", "staff shortage", "oxygen outlet under repair", "water damage")
NOT_GIVEN = ("patient refused", "nil by mouth", "patient asleep", "not in stock", "vomiting")
HELD = ("before surgery", "renal function worse", "blood pressure low")
STOPPED = ("no longer indicated", "rash", "side effects", "on pharmacist's advice")
CHANGED = ("pain not controlled", "renal function", "level out of range")
NOT_FIT = ("new fever", "no care at home yet", "awaits imaging")
TRANSFER = ("better placed there", "single room needed", "closer observation", "bed needed")
DESTINATIONS = ("rehabilitation clinic", "St. Mary's nursing home", "university hospital")
FLAG_NOTES = (
    "daughter rings at ten",
    "hearing aid on the left",
    "speaks no English",
    "brings own food",
)
REACTIONS = ("rash", "swelling of lips and tongue", "short of breath", "vomiting")
CORRIDORS = ("corridor, emergency", "trolley, emergency", "chair, emergency")
