"""The fields that a tenant adds to its records, over HTTP."""

from datetime import datetime
from functools import partial
from uuid import UUID

from litestar import Router, delete, get, put
from msgspec import Struct

from api.http.answer import Answer
from api.http.as_of import fields_then, moment_of
from api.http.contacts.reads import ReadQuery
from api.http.custom_fields import examples
from api.http.custom_fields.put import put_field
from api.http.exchange import (
    JSON,
    HttpRequest,
    WriteQuery,
    principal_of,
    query_of,
    services_of,
)
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import DryRun, Page
from api.http.writing import NoBody, carry_out, written_answer
from commands.custom_fields.definitions import PutField
from commands.custom_fields.values import live
from commands.registry import DELETE_CUSTOM_FIELD
from commands.visible import MANAGING_FIELDS, is_told
from domain import custom_field
from domain.custom_field import CustomField, FieldType, RecordKind, stream_of
from domain.errors import NotFoundError


class CustomFieldView(Struct, frozen=True, kw_only=True):
    """A custom field as clients see it."""

    id: UUID
    version: int
    kind: RecordKind
    key: str
    label: str
    type: FieldType
    required: bool
    unique: bool
    choices: tuple[str, ...]
    changing: bool
    """Whether a change has begun that is not made yet: what is written must fit before and after it."""
    created_at: datetime
    updated_at: datetime


def custom_field_view(field: CustomField) -> CustomFieldView:
    """A field's state as clients see it."""
    return CustomFieldView(
        id=field.id,
        version=field.version,
        kind=field.kind,
        key=field.key,
        label=field.label,
        type=field.rule.type,
        required=field.required,
        unique=bool(field.rule.unique),
        choices=field.rule.choices,
        changing=field.coming is not None,
        created_at=field.created_at,
        updated_at=field.updated_at,
    )


@get(
    "/custom-fields/{record_kind:str}",
    **operation(
        summary="List the custom fields of contacts, companies or leads",
        description="Of records of a kind: contact, company or lead. Fields that the caller must not see are absent.",
        tag="custom fields",
        permission="contacts.read",
        query=ReadQuery,
        answers={200: Page[CustomFieldView]},
        errors=("custom_field.not_found",),
        result={"data": [examples.CUSTOM_FIELD], "next_cursor": None},
        scoped=True,
        read_after=True,
    ),
)
async def list_custom_fields(request: HttpRequest) -> Answer:
    """All of a kind, in the order of their keys."""
    kind = _kind(request)
    query: ReadQuery = query_of(request, ReadQuery)
    await settled(request, ())
    caller, handler = principal_of(request), services_of(request).handler
    moment = await moment_of(request, query.as_of)
    fields = await fields_then(request, moment, kind) if moment else caller.custom.get(kind, {})
    ids = [field.id for _, field in sorted(live(fields).items()) if is_told(caller, field)]
    if moment:
        load = partial(handler.state, caller.tenant_id, "custom_field", custom_field.evolve, up_to=moment.position)
        states = {each: await load(stream_id=each) for each in ids}
    else:
        states = await handler.states(caller.tenant_id, "custom_field", custom_field.evolve, ids)
    data = [custom_field_view(states[each]) for each in ids if states[each].deleted_at is None]
    return Answer(Page(data=data, next_cursor=None))


@put(
    "/custom-fields/{record_kind:str}/{field_key:str}",
    **operation(
        summary="Define or change a custom field",
        description=(
            "The field is then as the body says; the answer is 201 where there was none. A key has 1 to 63 of a-z, 0-9"
            " and _, and begins with a letter. A field that was deleted comes back with the values that it had. Values"
            " that records have must fit: where that may not be so they are looked through first, and the answer to a"
            " dry run says what came of it."
        ),
        tag="custom fields",
        permission=MANAGING_FIELDS,
        body=PutField,
        query=WriteQuery,
        answers={200: (CustomFieldView, DryRun), 201: CustomFieldView},
        errors=(
            "custom_field.not_found",
            "custom_field.changing",
            "custom_field.values_unfit",
            "custom_field.not_unique",
            "custom_field.checking",
            "read_after.timeout",
        ),
        example=examples.PUT_CUSTOM_FIELD,
        result=examples.CUSTOM_FIELD,
        results={201: examples.CUSTOM_FIELD},
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def put_custom_field(request: HttpRequest) -> Answer:
    """As it is to be."""
    kind, key = _kind(request), str(request.path_params["field_key"])
    dry, outcome = await put_field(request, kind, key)
    made = custom_field_view(outcome.state)
    return written_answer(outcome, made, dry=dry, location=f"/v1/custom-fields/{kind}/{key}")


@delete(
    "/custom-fields/{record_kind:str}/{field_key:str}",
    status_code=200,  # for Litestar, which wants no body with 204; the answer sets its own
    **operation(
        summary="Delete a custom field",
        description="Its values are kept, and seen by nobody until a field with this key is defined again.",
        tag="custom fields",
        permission=MANAGING_FIELDS,
        query=WriteQuery,
        answers={204: None, 200: DryRun},
        errors=("custom_field.not_found", "custom_field.deleted", "body.too_large"),
        results={200: examples.DRY_DELETION},
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def delete_custom_field(request: HttpRequest) -> Answer:
    """A field less."""
    kind, key, caller = _kind(request), str(request.path_params["field_key"]), principal_of(request)
    stream_id = stream_of(caller.tenant_id, kind, key)
    dry, outcome = await carry_out(request, DELETE_CUSTOM_FIELD, NoBody, JSON, stream_id=stream_id)
    return written_answer(outcome, custom_field_view(outcome.state), dry=dry)


def _kind(request: HttpRequest) -> RecordKind:
    try:
        return RecordKind(str(request.path_params["record_kind"]))
    except ValueError:
        raise NotFoundError("custom_field") from None


ROUTER = Router(path="/v1", route_handlers=[list_custom_fields, put_custom_field, delete_custom_field])
