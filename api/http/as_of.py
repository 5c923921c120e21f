"""Reads as of a past moment: what the system knew then."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any

from msgspec import Meta

from api.http.exchange import HttpRequest, principal_of, services_of
from commands.custom_fields.values import Fields
from domain.custom_field import RecordKind
from domain.errors import DomainError, FieldError
from projections.position import Moment

AsOf = Annotated[
    datetime,
    Meta(
        tz=True,
        description=(
            "Read what the system knew at this time (by when it was recorded, whatever happened since). Permissions"
            " are today's, and what was erased stays erased."
        ),
        examples=["2026-01-05T09:30:00Z"],
    ),
]

_SLACK = timedelta(seconds=5)
"""Clocks differ: a client's now may be a moment ahead of ours."""


async def moment_of(
    request: HttpRequest, as_of: datetime | None, position: int | None = None, *, name: str = "as_of"
) -> Moment | None:
    """The moment that a request asks for; None when it asks for now.

    `position` is what an earlier page found: a time of a second ago may still gain events whose commit was under way,
    and the pages of one list must not differ by them. `name` is that of the parameter.

    Raises:
        DomainError: query.invalid, the time is yet to come.
    """
    if as_of is None:
        return None
    services = services_of(request)
    if as_of > services.clock() + _SLACK:
        raise DomainError(
            "query.invalid",
            f"{name} is a time to come",
            hint=f"Send a time of the past; without {name}, what is there now is read.",
            errors=(FieldError(name, "time.future", "is yet to come; send a time of the past"),),
        )
    if position is None:
        position = await services.store.position_at(principal_of(request).tenant_id, as_of)
    return Moment(as_of, position)


async def defined_then(
    request: HttpRequest, moment: Moment | None, records: Iterable[Any], kind: RecordKind = RecordKind.CONTACT
) -> Fields | None:
    """The custom fields that there were at a moment, where one of the records has values; None for those of now."""
    if moment is None or not any(record.custom for record in records):
        return None
    return await fields_then(request, moment, kind)


async def fields_then(request: HttpRequest, moment: Moment, kind: RecordKind) -> Fields:
    """The custom fields that there were of a kind of records at a moment, those too that had been deleted by then."""
    access = await services_of(request).past_access.at(principal_of(request).tenant_id, moment.position)
    return access.custom.get(kind, {})
