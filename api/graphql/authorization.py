"""Authorization within an operation: wards, logins, and what row security hid from the viewer.

Which operations and fields a role is allowed is decided before anything runs
(`api.graphql.extensions.authorization`); which rows, by `infrastructure.queries.row_security`. Here is
the rest: a query for the whole house, and the difference between what is not there and what is hidden.
"""

from collections.abc import Collection, Sized
from typing import Any, TypeVar
from uuid import UUID

from api.graphql.context import ById, Context
from api.graphql.scalars import id_of
from application.authorization.roles import may, permission_for
from application.authorization.scope import CLOSED, is_of_wards
from domain.refusals import NotAllowed, NotFound
from domain.things import Thing, other_kind
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.log import kind_of_stream
from infrastructure.queries.named import check_ward_held, ward_named
from infrastructure.read_models import patients
from infrastructure.read_models.expected_arrivals import expected_arrivals_by_id
from infrastructure.read_models.patients import PatientView
from infrastructure.read_models.prescriptions import prescriptions_by_id
from infrastructure.read_models.stays import stays_by_id

T = TypeVar("T")


def check_ward(context: Context, ward: str | None) -> None:
    """Refuse another ward than the login's, and the whole house (None) to a login with wards.

    Raises NotAllowed.
    """
    if not is_of_wards(context.caller.wards, ward):
        raise NotAllowed("Name a ward of yours: this login is not for the whole house")


def check_identity(context: Context, act: str) -> None:
    """Refuse an act that would name patients to a role that may not see identities.

    Raises NotAllowed.
    """
    if not may(context.caller.role, "data:identity"):
        raise NotAllowed(f"The role {context.caller.role} may not {act}")


async def known_ward(context: Context, ward: str | None) -> str | None:
    """Return the name of a ward as it is stored; None names none. Raises NotFound."""
    return None if ward is None else await context.query(ward_named, ward)


async def check_ward_of(context: Context, ward: str | None, at: AsOf, results: Sized) -> None:
    """Refuse a ward without results that has another name at the moment. Raises NotFound."""
    if ward is not None and not results:
        await context.query(check_ward_held, ward, at)


async def records_of_mrn(
    context: Context, mrn: str, authority: str | None, at: AsOf, field: str = "mrn"
) -> list[UUID]:
    """Return the records of the person with an MRN; none if it is known at another moment only.

    Raises NotFound for an MRN that nobody ever had, and what `patient_by_mrn` raises.
    """
    patient = await known_patient(context, mrn, authority, at, field)
    return await context.query(patients.records_of, patient.patient, at) if patient else []


async def records_of_filter(
    context: Context, mrn: str | None, authority: str | None, at: AsOf
) -> tuple[UUID, ...] | None:
    """Return the records of the person whose MRN a filter names; None if it names none.

    Raises as `records_of_mrn`.
    """
    if not mrn:
        return None
    return tuple(await records_of_mrn(context, mrn, authority, at, "patient_mrn"))


async def known_patient(
    context: Context, mrn: str, authority: str | None, at: AsOf, field: str = "mrn"
) -> PatientView | None:
    """Return the patient with an MRN; None if it is known at another moment only.

    Raises NotFound for an MRN that nobody ever had, and what `patient_by_mrn` raises.
    """
    patient = await patient_by_mrn(context, mrn, authority, at)
    if patient is None:
        status = await context.log_status()
        latest = context.moment(status.now, status.position)
        if await patient_by_mrn(context, mrn, authority, latest) is None:
            raise NotFound(Thing.PATIENT_WITH_MRN, mrn, field)
    return patient


async def or_forbidden(
    context: Context, result: T | None, query: ById[Any], id: UUID, at: AsOf
) -> T | None:
    """Return a result. Raises NotAllowed if there is none because it is hidden from the viewer.

    What is hidden now is so as of a moment before it began, too: that would tell when it did.
    """
    if result is None and not context.viewer.sees_all:
        status = await context.log_status()
        for moment in dict.fromkeys((at, context.moment(status.now, status.position))):
            if id in await hidden_ids(context, query, [id], moment):
                hidden_view: Any = (await context.query(query, [id], moment.unscoped)).get(id)
                raise _refusal_to_show(getattr(hidden_view, "patient", None))
    return result


async def check_known(
    context: Context, result: object, id: str | None, thing: Thing, field: str = "id"
) -> None:
    """Refuse an id that nothing of that kind ever had. Raises NotFound.

    What is there at another moment only is known: its answer as of this one is null.
    """
    if result is None:
        kind = await context.query(kind_of_stream, id_of(id))
        if kind != thing.topic:
            hint = other_kind(kind) if await _is_shown(context, kind, id_of(id)) else ""
            raise NotFound(thing, id or "", field, hint)


async def _is_shown(context: Context, kind: str, id: UUID) -> bool:
    """Return whether the viewer may see the thing of a kind and an id, as of now."""
    if not context.may(permission_for(kind)):
        return False
    query = _ABOUT_PATIENTS.get(kind)
    if query is None or context.viewer.sees_all:
        return True
    status = await context.log_status()
    return id in await context.query(query, [id], context.moment(status.now, status.position))


_ABOUT_PATIENTS: dict[str, ById[Any]] = {
    "arrival": expected_arrivals_by_id,
    "patient": patients.patients_by_id,
    "prescription": prescriptions_by_id,
    "stay": stays_by_id,
}


def _refusal_to_show(patient: UUID | None) -> NotAllowed:
    """Return the refusal to show a patient, whom it is recorded for."""
    refusal = NotAllowed(CLOSED)
    refusal.patients = frozenset([patient] if patient else [])
    return refusal


async def hidden_ids(
    context: Context, query: ById[Any], ids: Collection[UUID], at: AsOf
) -> set[UUID]:
    """Return the ids of what exists and is hidden from the viewer."""
    if context.viewer.sees_all or not ids:
        return set()
    views: dict[UUID, Any] = await context.query(query, list(ids), at.unscoped)
    return set(views).difference(await context.query(query, list(ids), at))


async def patient_by_mrn(
    context: Context, mrn: str, authority: str | None, at: AsOf
) -> PatientView | None:
    """Return the patient with an MRN; ``authority``: the hospital's own by default.

    Raises NotAllowed if the patient is hidden from the viewer, and to a role that may not see
    identities: an MRN that is known already would name somebody.
    """
    check_identity(context, "look for a patient by MRN")
    authority = authority or context.state.settings.mrn_authority
    context.is_search = True
    patient = await context.query(patients.patient_by_mrn, mrn, authority, at)
    if patient is not None or context.viewer.sees_all:
        return patient
    hidden_view = await context.query(patients.patient_by_mrn, mrn, authority, at.unscoped)
    if hidden_view is not None:
        raise _refusal_to_show(hidden_view.patient)
    return None
