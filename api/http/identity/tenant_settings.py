"""What a tenant sets for all of its people, over HTTP."""

from datetime import datetime
from uuid import UUID

from litestar import Router, get, patch
from msgspec import Struct

from api.http.answer import Answer
from api.http.exchange import (
    PATCH,
    HttpRequest,
    NoQuery,
    WriteQuery,
    etag,
    principal_of,
    query_of,
    services_of,
)
from api.http.identity import examples_settings as examples
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import DryRun
from api.http.writing import carry_out, written_answer
from commands.identity.tenant_settings import ChangeSettings
from commands.registry_identity import CHANGE_SETTINGS
from domain.tenant_settings import TenantSettings, evolve, settings_id


class SettingsView(Struct, frozen=True, kw_only=True):
    """What is set. Version 0, and no times, where the tenant has never set anything.

    `timezone`: whose days, weeks and months reports and the pipeline's trend count by, and where `digest_hour` is of
    the day. `currency`: what values of leads are in that come without one. `inactivity_days`: an open lead without any
    activity for so long is flagged.
    """

    id: UUID
    version: int
    timezone: str
    currency: str
    inactivity_days: int
    digest_hour: int
    created_at: datetime | None
    updated_at: datetime | None


@get(
    "/settings",
    **operation(
        summary="Read the settings of the tenant",
        tag="settings",
        permission="settings.read",
        query=NoQuery,
        answers={200: SettingsView},
        result=examples.SETTINGS,
        read_after=True,
    ),
)
async def read_settings(request: HttpRequest) -> Answer:
    """The settings as they are."""
    query_of(request, NoQuery)
    await settled(request, ())
    tenant_id = principal_of(request).tenant_id
    stream_id = settings_id(tenant_id)
    found = await services_of(request).handler.found(tenant_id, "settings", evolve, stream_id)
    state = found or TenantSettings(id=stream_id)
    return Answer(_view(state), headers={"ETag": etag(state.version)})


@patch(
    "/settings",
    **operation(
        summary="Change the settings of the tenant",
        description="A merge patch: absent members stay as they are, null makes one as usual again.",
        tag="settings",
        permission="settings.manage",
        body=ChangeSettings,
        media=PATCH,
        query=WriteQuery,
        answers={200: (SettingsView, DryRun)},
        example=examples.CHANGE,
        result=examples.SETTINGS,
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def change_settings(request: HttpRequest) -> Answer:
    """Other settings, for every request from the next one on."""
    stream_id = settings_id(principal_of(request).tenant_id)
    dry, outcome = await carry_out(request, CHANGE_SETTINGS, ChangeSettings, PATCH, stream_id=stream_id)
    return written_answer(outcome, _view(outcome.state), dry=dry)


def _view(state: TenantSettings) -> SettingsView:
    return SettingsView(**{name: getattr(state, name) for name in SettingsView.__struct_fields__})


ROUTER = Router(path="/v1", route_handlers=[read_settings, change_settings])
