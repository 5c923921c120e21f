"""How the signed-in user wants to be told of things, over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from litestar import get, put
from msgspec import Struct

from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    HttpRequest,
    NoQuery,
    WriteQuery,
    etag,
    principal_of,
    query_of,
    services_of,
)
from api.http.notifications import examples
from api.http.operation import SIGNED_IN, operation
from api.http.read_after import settled
from api.http.reading import Readable
from api.http.shapes import DryRun
from api.http.writing import carry_out, written_answer
from commands.notifications.notifications import PutPreferences, Wanted
from commands.registry_notifications import SET_PREFERENCES
from domain.errors import FieldError
from domain.notification import Kind, Preference, Preferences, evolve_preferences, preferences_id


class PreferencesView(Struct, frozen=True, kw_only=True):
    """How the user is told of each kind of thing. Version 0, and no times, where nothing was ever set.

    `app`: it is in GET /notifications. `mail`: at once, in a digest once a day, or not at all. `digest_hour` is of the
    day in the user's time zone, or the tenant's where they have none; null stands for the hour that the tenant has set.
    """

    id: UUID
    version: int
    kinds: Mapping[Kind, Preference]
    digest_hour: int | None
    created_at: datetime | None
    updated_at: datetime | None


@get(
    "/me/notification-preferences",
    **operation(
        summary="Read how one is told of things",
        tag="notifications",
        permission=SIGNED_IN,
        query=NoQuery,
        answers={200: PreferencesView},
        result=examples.PREFERENCES,
        read_after=True,
    ),
)
async def read_preferences(request: HttpRequest) -> Answer:
    """The caller's preferences."""
    query_of(request, NoQuery)
    await settled(request, ())
    found = await preferences_of(request)
    return Answer(_view(found), headers={"ETag": etag(found.version)})


@put(
    "/me/notification-preferences",
    **operation(
        summary="Say how one wants to be told of things",
        description=(
            "Kinds that are left out, and what is left out of one, are as usual: in the app, and by mail at once."
        ),
        tag="notifications",
        permission=SIGNED_IN,
        body=PutPreferences,
        query=WriteQuery,
        answers={200: (PreferencesView, DryRun)},
        example=examples.PUT_PREFERENCES,
        result=examples.PREFERENCES,
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def set_preferences(request: HttpRequest) -> Answer:
    """Other preferences."""
    user_id = principal_of(request).user_id

    async def understand(readable: Readable[PutPreferences]) -> tuple[Wanted, Sequence[FieldError]]:
        return Wanted(user_id, readable.value), readable.errors

    stream_id = preferences_id(user_id)
    dry, outcome = await carry_out(request, SET_PREFERENCES, PutPreferences, JSON, understand, stream_id=stream_id)
    return written_answer(outcome, _view(outcome.state), dry=dry)


async def preferences_of(request: HttpRequest) -> Preferences:
    """The caller's preferences; the usual ones, as version 0, where none were set."""
    caller = principal_of(request)
    stream_id = preferences_id(caller.user_id)
    handler = services_of(request).handler
    found = await handler.found(caller.tenant_id, "notification_preferences", evolve_preferences, stream_id)
    return found or Preferences(id=stream_id)


def _view(state: Preferences) -> PreferencesView:
    return PreferencesView(
        id=state.id,
        version=state.version,
        kinds={kind: state.of(kind) for kind in Kind},
        digest_hour=state.digest_hour,
        created_at=state.created_at,
        updated_at=state.updated_at,
    )
