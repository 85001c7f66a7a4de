"""Allergies and intolerances of a person."""

from datetime import datetime
from typing import Self

import strawberry

from api.graphql.declarations import DataKind, shows
from api.graphql.types.enums import AllergyKind, AllergySeverity, AllergyVerification
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.allergies import AllergyView, allergies_of_persons


@shows(DataKind.CLINICAL, cached_from=(allergies_of_persons,))
@strawberry.type(description="A substance, by name and by code.")
class Substance:
    name: str = strawberry.field(description="Name.")
    code: str | None = strawberry.field(description="Code in the coding system.")
    system: str | None = strawberry.field(description="Coding system.")


@shows(DataKind.CLINICAL, cached_from=(allergies_of_persons,))
@strawberry.type(description="An allergy or intolerance that a person has at the moment.")
class Allergy:
    id: strawberry.ID = strawberry.field(description="By which it is corrected and ended.")
    patient_id: strawberry.ID = strawberry.field(description="The record that has it.")
    substance: Substance = strawberry.field(description="Of what.")
    kind: AllergyKind = strawberry.field(description="An allergy, or an intolerance.")
    severity: AllergySeverity | None = strawberry.field(description="How severe the reaction is.")
    reaction: str | None = strawberry.field(description="What happens.")
    verification: AllergyVerification = strawberry.field(description="How certain it is.")
    since: datetime = strawberry.field(description="From when on the person has it, as held now.")

    @classmethod
    def of(cls, view: AllergyView, at: AsOf) -> Self:
        at.record_access(view.patient)
        return cls(
            id=strawberry.ID(str(view.allergy)),
            patient_id=strawberry.ID(str(view.patient)),
            substance=Substance(name=view.substance, code=view.code, system=view.system),
            kind=AllergyKind(view.kind),
            severity=AllergySeverity(view.severity) if view.severity else None,
            reaction=view.reaction,
            verification=AllergyVerification(view.verification),
            since=view.since,
        )
