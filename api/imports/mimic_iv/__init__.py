"""MIMIC-IV (PhysioNet): real, de-identified hospital stays, as a folder of CSV tables.

What becomes of each table, in the order of `importing`:

- patients: register_patient, and record_death for a death outside the hospital (a day).
- admissions: admit_patient, record_emergency_care, record_death, discharge_patient (last: it stops
  what is prescribed).
- transfers: allocate_room and transfer_patient. Care units are wards; rooms and beds are made up.
  Rows are cut at the admission; the discharge is that of table admissions, not the bed system's.
- services: the first is the specialty of the admission, the others change_specialty.
- poe, poe_detail: consults are record_visit; orders for medicines belong to their prescriptions.
- prescriptions, pharmacy: write_prescription, one for each ``pharmacy_id``.
- emar: record_administration, or record_unprescribed_dose where no prescription is recorded;
  emar_detail: the amounts given.
- icustays tell nothing new; diagnoses_icd, and all other orders, are not kept.

A table that is missing leaves out what it carries; patients and admissions have to be there.

Every reason says what was read out of the row, and what was adjusted. See `account` for the verdicts,
`rules` for the importer's own refusals, and `patient` for how times are moved back.
"""

from api.imports.account import Account, TableAccount, Verdict, sums_path
from api.imports.mimic_iv.importing import import_mimic_iv
from api.imports.mimic_iv.rules import RULES, Rule
from api.imports.tables import BadTable

__all__ = [
    "RULES",
    "Account",
    "BadTable",
    "Rule",
    "TableAccount",
    "Verdict",
    "import_mimic_iv",
    "sums_path",
]
