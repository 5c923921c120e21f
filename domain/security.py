"""What a security officer wants to know of: each event is a stream of its own."""

from datetime import datetime
from uuid import UUID

from domain.event import Event


class SignInFailed(Event, topic="security.sign_in_failed.v1"):
    """Somebody gave a wrong password for a user that there is, or the right one of a user who may not sign in."""

    user_id: UUID


class SecondFactorFailed(Event, topic="security.second_factor_failed.v1"):
    """Somebody who knew the password gave a wrong second factor."""

    user_id: UUID


class RefreshReused(Event, topic="security.refresh_reused.v1"):
    """A refresh token came that had been used before: somebody has a copy of it. Its session has ended."""

    user_id: UUID
    session_id: UUID


class CrossTenantAttempted(Event, topic="security.cross_tenant_attempted.v1"):
    """Somebody of one tenant named a record of another, and was told that there is none. In the platform's log alone.

    Who, from where, is in the metadata. `target_kind` is that of the record's stream; of a cursor, `target_id` is the
    tenant that it was made for. `operation` is the method and path, with names in place of ids.
    """

    actor_tenant: UUID
    target_kind: str
    target_id: UUID
    owner_tenant: UUID
    operation: str


class CrossTenantAttemptsCounted(Event, topic="security.cross_tenant_attempts_counted.v1"):
    """More attempts than are recorded one by one: so many further ones, from `since` on.

    The actor is in the metadata; the system itself where they were of several of the tenant.
    """

    actor_tenant: UUID
    count: int
    since: datetime


class NamedIdsUnseen(Event, topic="security.named_ids_unseen.v1"):
    """A tenant named ids that it does not have faster than anybody looks whose they are: so many, from `since` on."""

    actor_tenant: UUID
    count: int
    since: datetime
