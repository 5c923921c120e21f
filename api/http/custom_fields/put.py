"""The course of a PUT of a custom field: begin what has to be looked at first, look, then make the change."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from api.http import reading
from api.http.address import address_of
from api.http.custom_fields.change import require_fit
from api.http.exchange import (
    JSON,
    HttpRequest,
    WriteQuery,
    alone,
    body_or_refusal,
    check_if_match,
    check_media,
    context_of,
    if_match,
    principal_of,
    query_of,
    services_of,
)
from commands.custom_fields.definitions import DropChange, PutByKey, PutField, needs_check, wanted_rule
from commands.custom_fields.values import live
from commands.decision import Context
from commands.handle import Outcome
from commands.registry import BEGIN_CUSTOM_FIELD, DROP_CUSTOM_FIELD, PUT_CUSTOM_FIELD
from domain import custom_field
from domain.custom_field import CustomField, RecordKind, stream_of
from domain.errors import DomainError, FieldError

Read = Callable[[], Awaitable[tuple[PutByKey, Sequence[FieldError]]]]
_GOES_ON = frozenset({"custom_field.checking", "custom_field.changing"})
"""Refusals after which what had begun stays so."""


class _Put(Struct, frozen=True):
    """What is asked, by whom, of which field."""

    request: HttpRequest
    context: Context
    stream_id: UUID
    read: Read


async def put_field(request: HttpRequest, kind: RecordKind, key: str) -> tuple[bool, Outcome[CustomField]]:
    """Whether it was a dry run, and what came of it.

    Raises:
        DomainError: it can't be done; the field is as it was, but where custom_field.checking says otherwise.
    """
    query: WriteQuery = query_of(request, WriteQuery)
    raw, refusal = await body_or_refusal(request)
    caller, services = principal_of(request), services_of(request)
    context = context_of(request, raw, dry_run=query.dry_run)
    context = structs.replace(context, metadata=structs.replace(context.metadata, address=address_of(request)))
    checked: int | None = None

    async def read() -> tuple[PutByKey, Sequence[FieldError]]:
        check_if_match(request)
        if refusal:
            raise refusal
        check_media(request, JSON)
        found = reading.body(raw, PutField)
        others = (await services.authorization.access(caller.tenant_id)).custom.get(kind, {})
        return PutByKey(kind, key, found.value, len(live(others)), len(others), checked), found.errors

    asked = _Put(request, context, stream_of(caller.tenant_id, kind, key), read)
    versions = if_match(request)
    async with alone(request, context):
        replayed = context.key and await services.store.kept_command(caller.tenant_id, context.key.digest)
        if not replayed and (checked := await _looked_through(asked, versions)) is not None:
            versions = None  # they held when it began; whether it is as it was checked is decided with it
        outcome = await services.handler.handle(
            context, PUT_CUSTOM_FIELD, read, stream_id=asked.stream_id, if_match=versions
        )
    return query.dry_run, outcome


async def _looked_through(asked: _Put, versions: frozenset[int] | None) -> int | None:
    """The version at which all values were found to fit what the field is to be; None where none need be looked at."""
    services, caller = services_of(asked.request), principal_of(asked.request)
    if await services.handler.found(caller.tenant_id, "custom_field", custom_field.evolve, asked.stream_id) is None:
        return None
    begun = await services.handler.handle(
        structs.replace(asked.context, key=None),
        BEGIN_CUSTOM_FIELD,
        asked.read,
        stream_id=asked.stream_id,
        if_match=versions,
    )
    command, _ = await asked.read()
    field = begun.state
    if field.coming is None or not needs_check(field, wanted_rule(command), command.asked):
        return None
    if asked.context.dry_run:
        position = await services.store.head(caller.tenant_id)
        await require_fit(asked.request, asked.context, field, field.coming, position, claim=False)
        return field.version - len(begun.events)
    try:
        await require_fit(asked.request, asked.context, field, field.coming, begun.position, claim=True)
    except DomainError as refusal:
        if refusal.code not in _GOES_ON:
            await _drop(asked, field.version)
        raise
    except BaseException:
        services.later(_drop(asked, field.version))
        raise
    return field.version


async def _drop(asked: _Put, begun: int) -> None:
    def read() -> tuple[Any, Sequence[FieldError]]:
        return DropChange(begun), ()

    context = structs.replace(asked.context, key=None)
    handler = services_of(asked.request).handler
    await handler.handle(context, DROP_CUSTOM_FIELD, read, stream_id=asked.stream_id)
