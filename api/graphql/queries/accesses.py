"""Query of the access log."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import check_ward, records_of_mrn
from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.queries.arguments import After, First, MrnAuthority
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.enums import Purpose, Role
from api.graphql.types.people import Patient
from domain.described_enum import DescribedEnum
from domain.refusals import InvalidInput
from infrastructure.access_log import NOBODY, REFUSED, SUCCESS, AccessView, accesses_page
from infrastructure.queries.as_of import AsOf


class AccessOutcome(DescribedEnum):
    """Outcome of an access."""

    SUCCESS = SUCCESS, "What was asked was shown."
    REFUSED = REFUSED, "It was refused; the refusal may have told something of the patient."


strawberry.enum(AccessOutcome, description="What came of an access.")


@shows(DataKind.AUDIT)
@strawberry.type(
    description="Somebody read a patient's data or a report, or was refused to; the patient is"
    " absent where it is about none."
)
class Access:
    id: strawberry.ID = strawberry.field(description="Opaque and unique.")
    at: datetime = strawberry.field(description="When the answer was given.")
    issuer: str = strawberry.field(description="Who issued the login.")
    subject: str = strawberry.field(description="Whose login it was.")
    role: str = strawberry.field(description="The role used, as the login named it.")
    role_name: Role | None = strawberry.field(
        description="The role used; null if it is none of those there are now."
    )
    operation: str = strawberry.field(description="What was asked or commanded.")
    purpose: Purpose = strawberry.field(description="What it was read for, as said.")
    broke_glass: bool = strawberry.field(description="Whether access was opened by breakGlass.")
    outcome: AccessOutcome = strawberry.field(description="What came of it.")
    entity: str | None = strawberry.field(
        description="What was asked: a report with its period, SQL; of a refusal, its code."
    )
    resources: list[strawberry.ID] = strawberry.field(
        description="The stays and prescriptions of this patient that the answer showed."
    )
    patients_shown: int | None = strawberry.field(
        description="How many patients the answer showed; null in older entries."
    )
    as_of: datetime | None = strawberry.field(description="The moment asked about, if named.")
    known_at: datetime | None = strawberry.field(description="As known at which moment, if named.")
    on_behalf_of: str | None = strawberry.field(description="On whose behalf.")
    token_id: str | None = strawberry.field(description="The id of the token (jti).")
    address: str | None = strawberry.field(description="The address of the client.")
    server: str | None = strawberry.field(description="The host that answered.")
    whose: strawberry.Private[UUID | None]
    moment: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: AccessView, at: AsOf) -> "Access":
        if view.patient is not None:
            at.record_access(view.patient)
        return cls(
            id=strawberry.ID(f"{view.no}-{view.patient or NOBODY}"),
            at=view.at,
            issuer=view.issuer,
            subject=view.subject,
            role=view.role,
            role_name=Role.member_of(view.role),
            operation=view.operation,
            purpose=Purpose(view.purpose),
            broke_glass=view.broke_glass,
            outcome=AccessOutcome(view.outcome),
            entity=view.entity,
            resources=[strawberry.ID(str(id)) for id in view.resources],
            patients_shown=view.shown,
            as_of=view.as_of,
            known_at=view.known_at,
            on_behalf_of=view.on_behalf_of,
            token_id=view.token_id,
            address=view.address,
            server=view.server,
            whose=view.patient,
            moment=at,
        )

    @strawberry.field(description="Whose data they were.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.find(info, self.whose, self.moment)


@strawberry.type
class AccessQueries:
    @strawberry.field(
        description="Who read whose data, the latest first: of one patient (a history that may be"
        " handed to the patient: it names nobody else's), by one login, in a time."
    )
    async def accesses(
        self,
        info: Info,
        mrn: Annotated[str | None, argument(description="Of the patient with this MRN.")] = None,
        mrn_authority: MrnAuthority = None,
        subject: Annotated[str | None, argument(description="By the login of this one.")] = None,
        from_: Annotated[
            datetime | None, argument(name="from", description="Not before this moment.")
        ] = None,
        to: Annotated[datetime | None, argument(description="Before this moment.")] = None,
        broke_glass: Annotated[
            bool | None, argument(description="Only those by a broken glass, or only the others.")
        ] = None,
        outcome: Annotated[
            AccessOutcome | None, argument(description="Of this outcome only.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Access]:
        if mrn is None:
            check_ward(info.context, None)
        if from_ is not None and to is not None and to <= from_:
            raise InvalidInput("to", "it has to be after `from`")
        at = await info.context.at()
        size, place = page_size(first), decode_cursor(after, "accesses", int, UUID)
        records: list[UUID] | None = None
        if mrn is not None:
            records = await records_of_mrn(info.context, mrn, mrn_authority, at)
        views = await info.context.query(
            accesses_page,
            patients=records,
            subject=subject,
            since=from_,
            until=to,
            broke_glass=broke_glass,
            outcome=outcome.value if outcome else None,
            first=size + 1,
            after=place,
        )
        return page(
            views,
            size,
            after,
            lambda v: encode_cursor("accesses", v.no, v.patient or NOBODY),
            lambda v: Access.of(v, at),
        )
