"""What is prescribed in the simulated house: drugs with their usual doses, routes and frequencies."""

from dataclasses import dataclass

from api.simulator.house import Kind
from domain.prescription.events import Medication

HOURS: dict[str, tuple[int, ...]] = {
    "once daily": (8,),
    "at night": (22,),
    "twice daily": (8, 20),
    "three times daily": (8, 14, 22),
    "four times daily": (6, 12, 18, 22),
    "every 6 hours": (0, 6, 12, 18),
    "every 8 hours": (6, 14, 22),
    "every 12 hours": (9, 21),
}
"""The usual hours of the drug rounds, in local time. What is not listed is given as needed."""

ONCE = "once"
AS_NEEDED = "as needed"


@dataclass(frozen=True, slots=True)
class Drug:
    """``course``: usual days of treatment; None: goes on. ``controlled``: given with a witness."""

    name: str
    atc: str
    doses: tuple[str, ...]
    route: str
    frequencies: tuple[str, ...]
    course: int | None = None
    controlled: bool = False

    @property
    def medication(self) -> Medication:
        return Medication(name=self.name, code=self.atc, system="http://www.whocc.no/atc")


PARACETAMOL = Drug(
    "Paracetamol", "N02BE01", ("1 g", "500 mg"), "oral", ("four times daily", AS_NEEDED)
)
MORPHINE = Drug(
    "Morphine", "N02AA01", ("5 mg", "2.5 mg", "10 mg"), "subcutaneous", (AS_NEEDED,), None, True
)
OXYCODONE = Drug("Oxycodone", "N02AA05", ("5 mg", "10 mg"), "oral", ("every 12 hours",), None, True)
ENOXAPARIN = Drug("Enoxaparin", "B01AB05", ("40 mg", "60 mg"), "subcutaneous", ("at night",))
PANTOPRAZOLE = Drug("Pantoprazole", "A02BC02", ("40 mg", "20 mg"), "oral", ("once daily",))
ONDANSETRON = Drug("Ondansetron", "A04AA01", ("4 mg", "8 mg"), "intravenous", (AS_NEEDED,))
AMOXICLAV = Drug(
    "Amoxicillin and clavulanic acid",
    "J01CR02",
    ("1.2 g", "2.2 g"),
    "intravenous",
    ("every 8 hours",),
    7,
)
CEFTRIAXONE = Drug("Ceftriaxone", "J01DD04", ("2 g", "1 g"), "intravenous", ("once daily",), 7)
PIPTAZ = Drug(
    "Piperacillin and tazobactam", "J01CR05", ("4.5 g",), "intravenous", ("every 8 hours",), 8
)
CEFAZOLIN = Drug("Cefazolin", "J01DB04", ("2 g",), "intravenous", (ONCE,))
METAMIZOLE = Drug(
    "Metamizole", "N02BB02", ("1 g", "500 mg"), "intravenous", ("four times daily", AS_NEEDED)
)
IBUPROFEN = Drug("Ibuprofen", "M01AE01", ("400 mg", "600 mg"), "oral", ("three times daily",), 3)

MEDICINE = (
    PARACETAMOL,
    ENOXAPARIN,
    PANTOPRAZOLE,
    AMOXICLAV,
    CEFTRIAXONE,
    MORPHINE,
    Drug("Furosemide", "C03CA01", ("40 mg", "20 mg", "80 mg"), "oral", ("once daily",)),
    Drug("Bisoprolol", "C07AB07", ("2.5 mg", "5 mg"), "oral", ("once daily",)),
    Drug("Ramipril", "C09AA05", ("5 mg", "2.5 mg"), "oral", ("once daily", "twice daily")),
    Drug("Amlodipine", "C08CA01", ("5 mg", "10 mg"), "oral", ("once daily",)),
    Drug("Atorvastatin", "C10AA05", ("40 mg", "20 mg"), "oral", ("at night",)),
    Drug("Metformin", "A10BA02", ("850 mg", "500 mg"), "oral", ("twice daily",)),
    Drug("Insulin glargine", "A10AE04", ("12 IU", "20 IU"), "subcutaneous", ("at night",)),
    Drug("Acetylsalicylic acid", "B01AC06", ("100 mg",), "oral", ("once daily",)),
    Drug("Apixaban", "B01AF02", ("5 mg", "2.5 mg"), "oral", ("twice daily",)),
    Drug("Prednisolone", "H02AB06", ("40 mg", "20 mg"), "oral", ("once daily",), 5),
    Drug("Salbutamol", "R03AC02", ("2.5 mg",), "inhaled", ("every 6 hours", AS_NEEDED)),
    Drug("Melatonin", "N05CH01", ("2 mg",), "oral", ("at night",)),
)
SURGERY = (
    CEFAZOLIN,
    PARACETAMOL,
    METAMIZOLE,
    ENOXAPARIN,
    OXYCODONE,
    ONDANSETRON,
    PANTOPRAZOLE,
    MORPHINE,
    IBUPROFEN,
)
INTENSIVE = (
    PIPTAZ,
    PANTOPRAZOLE,
    ENOXAPARIN,
    MORPHINE,
    Drug("Noradrenaline", "C01CA03", ("0.1 µg/kg/min",), "intravenous", ("every 6 hours",), 3),
    Drug("Propofol", "N01AX10", ("100 mg/h",), "intravenous", ("every 8 hours",), 3),
    Drug("Hydrocortisone", "H02AB09", ("50 mg",), "intravenous", ("every 6 hours",), 5),
)
MATERNITY = (
    PARACETAMOL,
    IBUPROFEN,
    Drug("Oxytocin", "H01BB02", ("5 IU",), "intravenous", (ONCE,)),
    Drug("Ferrous sulfate", "B03AA07", ("100 mg",), "oral", ("once daily",)),
)
PAEDIATRICS = (
    Drug("Paracetamol", "N02BE01", ("240 mg", "120 mg"), "oral", ("four times daily", AS_NEEDED)),
    Drug("Ibuprofen", "M01AE01", ("100 mg",), "oral", ("three times daily",), 3),
    Drug("Amoxicillin", "J01CA04", ("250 mg",), "oral", ("three times daily",), 5),
    Drug("Salbutamol", "R03AC02", ("1.25 mg",), "inhaled", ("every 6 hours", AS_NEEDED)),
)
NEWBORN = (Drug("Phytomenadione", "B02BA01", ("2 mg",), "oral", (ONCE,)),)

BY_KIND: dict[Kind, tuple[Drug, ...]] = {
    Kind.EMERGENCY: MEDICINE,
    Kind.MEDICINE: MEDICINE,
    Kind.SURGERY: SURGERY,
    Kind.INTENSIVE: INTENSIVE,
    Kind.MATERNITY: MATERNITY,
    Kind.PAEDIATRICS: PAEDIATRICS,
}
