"""FHIR R4: resources of another system, as files of JSON (a Bundle, or one resource) and of NDJSON.

What becomes of each type:

- Patient: register_patient, record_death; ``link`` replaced-by is merge_patients.
- Practitioner: register_practitioner. Location: a bed's room is open_room, once for all its beds.
- Encounter of class IMP, ACUTE, NONACUTE, OBSENC or SS: admit_patient, record_emergency_care,
  transfer_patient, start_leave, end_leave, discharge_patient. Other classes are no stays.
- AllergyIntolerance: record_allergy. Flag: raise_flag, lower_flag.
- MedicationRequest: write_prescription. MedicationAdministration: record_administration, or
  record_unprescribed_dose where it names no request.

All acts of all stays are recorded in the order in which they occurred, so that each bed is free when
it is taken. Every resource is recorded, merged or refused, and told in the account; types of which the
record has no fact are refused as NotKept.
"""

from api.imports.fhir.importing import import_fhir
from api.imports.fhir.resources import BadFile
from api.imports.fhir.rules import RULES, Rule

__all__ = ["RULES", "BadFile", "Rule", "import_fhir"]
