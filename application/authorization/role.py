"""The role of a login: by itself, for who needs no more of authorization."""

from enum import StrEnum


class Role(StrEnum):
    """The role of a login, in the order of the columns of ``docs/access.md``."""

    REGISTRAR = "registrar"
    NURSE = "nurse"
    PHYSICIAN = "physician"
    PHARMACIST = "pharmacist"
    BED_MANAGER = "bed_manager"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy_officer"
    ADMIN = "admin"
    SERVICE = "service"
