"""FHIR R4 (4.0.1) over HTTP: what Wardbook holds, as the resources that other systems read."""
