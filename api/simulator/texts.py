"""The words of the simulated house: names, notes and reasons. Data only."""

FAMILY_NAMES = [
    "Abe",
    "Adeyemi",
    "Ahmed",
    "Andersson",
    "Bauer",
    "Begum",
    "Bianchi",
    "Blom",
    "Castro",
    "Chen",
    "Cohen",
    "Costa",
    "Demir",
    "Diallo",
    "Dubois",
    "Eriksen",
    "Fernández",
    "Fischer",
    "Garcia",
    "Georgiou",
    "Haddad",
    "Hansen",
    "Hoffmann",
    "Horvat",
    "Ibrahim",
    "Ivanova",
    "Jansen",
    "Jovanović",
    "Kaya",
    "Keller",
    "Khan",
    "Kim",
    "Kovács",
    "Kowalski",
    "Kumar",
    "Larsen",
    "Lindqvist",
    "Lopes",
    "Mbeki",
    "Meyer",
    "Moreau",
    "Müller",
    "Nakamura",
    "Ndiaye",
    "Nguyen",
    "Novák",
    "O’Brien",
    "Okafor",
    "Osei",
    "Papadopoulos",
    "Park",
    "Patel",
    "Petrov",
    "Popescu",
    "Rossi",
    "Sato",
    "Schmidt",
    "Silva",
    "Smith",
    "Tanaka",
    "Tesfaye",
    "Virtanen",
    "Weber",
    "Yılmaz",
]

FEMALE_NAMES = [
    "Aisha",
    "Amara",
    "Anna",
    "Aylin",
    "Beatriz",
    "Camille",
    "Chiara",
    "Elena",
    "Emma",
    "Fatima",
    "Freja",
    "Hana",
    "Helena",
    "Ingrid",
    "Ioana",
    "Julia",
    "Katarzyna",
    "Leila",
    "Lucía",
    "Maria",
    "Mei",
    "Nadia",
    "Ngozi",
    "Olivia",
    "Priya",
    "Sakura",
    "Sofia",
    "Thi",
    "Yasmin",
    "Zofia",
]

MALE_NAMES = [
    "Adam",
    "Ahmed",
    "Aleksandar",
    "Arjun",
    "Bence",
    "Carlos",
    "Daniel",
    "David",
    "Emre",
    "Erik",
    "Finn",
    "Giorgos",
    "Hassan",
    "Hiroshi",
    "Ivan",
    "Jakub",
    "João",
    "Kofi",
    "Lars",
    "Liam",
    "Luca",
    "Mateo",
    "Minh",
    "Mohammed",
    "Noah",
    "Omar",
    "Paul",
    "Samuel",
    "Tomáš",
    "Wei",
]

FIRST_REVIEW = (
    "History taken and examined. Bloods and imaging requested, plan discussed with the patient.",
    "Reviewed on admission. Haemodynamically stable. Continue as started by the resident.",
    "Seen with family. Working diagnosis confirmed, treatment begun.",
    "Unwell on arrival, better after fluids. Observations every four hours.",
    "Known patient. Compared with last letters, no new allergies.",
)

ROUND = (
    "Comfortable, afebrile. Continue.",
    "Slept poorly. Pain 4/10, analgesia adjusted.",
    "Inflammatory markers falling. Eating and drinking.",
    "Mobilised with physiotherapy. No new complaints.",
    "Still breathless on exertion. Fluid balance negative 800 ml.",
    "Wound clean and dry. Drain removed.",
    "Blood pressure low this morning, repeat in two hours.",
    "Results reviewed with the patient. Discharge being planned.",
    "Temperature 38.4 overnight, cultures sent.",
    "Stable. Awaits imaging.",
)

CONSULT = (
    "Thank you for asking. Advice given, will see again on request.",
    "Rate controlled, continue. Echocardiography as an outpatient.",
    "No indication for surgery at present.",
    "Change to oral treatment possible from tomorrow.",
    "Suggest stopping sedatives; screen for delirium.",
)

LATE = (
    "written up after the shift",
    "ward busy, entered later",
    "from the paper chart",
    "system was not reachable at the bedside",
    "found missing at handover",
    "noted by hand, entered by the ward clerk",
    "entered on behalf of the night team",
)

GLASS_BROKEN = (
    "in my care on this shift",
    "needed at the bedside at once",
    "bed and staff have to be found for the patient",
    "called to help on the ward",
)

WRONG_BED = (
    "wrong bed entered",
    "beds mixed up on the list",
    "entered from memory; seen at the bedside",
)

NEVER_MOVED = (
    "entered for the wrong patient",
    "entered in error, was not moved",
)

EACH_OTHERS = "each was entered in the other's bed"

CAME_BACK = (
    "nobody came to take the patient home",
    "transport did not come",
    "unwell at the door, stays",
)

AMENDED = (
    "noted for another patient's problem",
    "dictated note, read again",
    "typing error",
)

VISIT_CANCELLED = (
    "noted for the wrong patient",
    "noted twice",
)

DOSE_CORRECTED = (
    "another amount was given, see chart",
    "seen at the count of ampoules",
)

DOSE_CANCELLED = (
    "charted for the wrong patient",
    "charted, but found on the tray",
)

RECOGNISED = (
    "recognised by a relative",
    "papers were brought in",
    "recognised by staff from an earlier stay",
)

BED_CLOSED = (
    "bed frame broken",
    "staff shortage",
    "oxygen outlet under repair",
    "painting the room",
    "infection control: neighbour under observation",
    "mattress being replaced",
    "water damage",
)

NOT_GIVEN = (
    "patient refused",
    "nil by mouth",
    "patient asleep",
    "not in stock",
    "vomiting",
    "patient away for imaging",
    "blood pressure too low",
)

HELD = (
    "before surgery",
    "renal function worse",
    "blood pressure low",
    "drowsy",
    "possible interaction, pharmacist asked",
    "heart rate below 50",
)

STOPPED = (
    "no longer indicated",
    "rash",
    "switched to another drug",
    "side effects",
    "on pharmacist's advice",
)

CHANGED = (
    "pain not controlled",
    "renal function",
    "oral treatment possible",
    "on pharmacist's advice",
    "level out of range",
)

NOT_FIT = (
    "new fever",
    "no care at home yet",
    "awaits imaging",
    "not safe on stairs",
    "laboratory results outstanding",
)

NO_SHOW = ("patient cancelled", "operation postponed", "patient unwell at home")

TRANSFER = ("better placed there", "single room needed", "closer observation", "bed needed")

DESTINATIONS = (
    "rehabilitation clinic",
    "St. Mary's nursing home",
    "university hospital",
    "district hospital",
    "hospice",
)

CORRIDORS = ("corridor, emergency", "trolley, emergency", "chair, emergency")
