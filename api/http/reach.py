"""Whose records a caller may see and change: what contacts, leads and interactions share."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from msgspec import structs

from api.http.exchange import HttpRequest, principal_of, services_of
from commands.custom_fields.values import Fields
from commands.identity.access import Principal, lacking
from commands.visible import View
from domain.custom_field import CustomField
from domain.errors import NotFoundError
from domain.field_rules import OPEN, FieldAccess

OwnerOf = Callable[[Any], UUID | None]


def admission(kind: str, owner_of: OwnerOf, caller: Principal, seeing: str, permission: str) -> Callable[[Any], None]:
    """What refuses a record out of the caller's reach: what can't be read is missing, else `permission` is needed."""

    def admit(record: Any) -> None:
        owner_id = owner_of(record)
        if not caller.reaches(seeing, owner_id):
            raise NotFoundError(kind)
        if not caller.reaches(permission, owner_id):
            raise lacking(permission)

    return admit


def givable(view: View, fields: Fields) -> dict[str, CustomField]:
    """Custom fields as they are for who may not write all of them: what they can't give is not required of them."""
    return {
        key: field if view.access(f"{OPEN}.{key}") is FieldAccess.WRITE else structs.replace(field, required=False)
        for key, field in fields.items()
    }


async def require_reach(
    request: HttpRequest, kind: str, evolve: Callable[..., Any], seeing: str, stream_id: UUID
) -> None:
    """Let nobody look into the past of a record that they can't read now, whoever owned it then.

    Raises:
        NotFoundError: it is not there, or not for this caller.
    """
    caller = principal_of(request)
    if caller.may(seeing):
        return
    state = await services_of(request).handler.state(caller.tenant_id, kind, evolve, stream_id)
    if not caller.reaches(seeing, state.owner_id):
        raise NotFoundError(kind)
