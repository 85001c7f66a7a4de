"""The role of a login: by itself, for who needs no more of authorization."""

from domain.described_enum import DescribedEnum


class Role(DescribedEnum):
    """The role of a login, in the order of the columns of ``docs/access.md``."""

    REGISTRAR = "registrar", "Registers patients and admits them."
    NURSE = "nurse", "Cares for the patients of a ward."
    PHYSICIAN = "physician", "Treats patients."
    PHARMACIST = "pharmacist", "Looks at medicines."
    BED_MANAGER = "bed_manager", "Plans beds."
    ANALYST = "analyst", "Computes reports, without persons."
    AUDITOR = "auditor", "Looks at who did and read what."
    PRIVACY_OFFICER = "privacy_officer", "Answers for the data of persons."
    ADMIN = "admin", "Runs the hospital's record."
    SERVICE = "service", "Another system."
