"""Paths of FHIR."""

PATH = "/fhir"

OPEN = (f"{PATH}/metadata", f"{PATH}/.well-known/smart-configuration")
"""Paths that are answered without a login."""
