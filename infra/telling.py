"""Mails that tell users what they are notified of, in Postgres until they are sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from commands.folded import FoldedStates
from commands.identity.access import Authorization
from commands.notifications.telling import MOST_TRIES, Due, Kept, News, Person, Telling
from commands.ports import Clock, EventStore
from domain import user as users
from domain.notification import Preferences, evolve_preferences, preferences_id
from domain.user import Status
from infra import clock
from infra.postgres import APPEND, SERVICE, Pool, TenantConnections, unavailable_as_such
from infra.wiring import Wiring, mailer_of
from projections.notifications import queries as notification_queries

LEASE = timedelta(seconds=60)
_AT_ONCE = 50

_TENANTS: LiteralString = "SELECT tenant_id FROM store.notification_news_v1(%s)"
_TURN: LiteralString = "SELECT position FROM store.mail_turn WHERE tenant_id = %s"
_KEEP: LiteralString = "SELECT store.keep_mails(%s, %s, %s::jsonb)"
_TAKE: LiteralString = "SELECT tenant_id, user_id, digest, due_at, ids FROM store.take_mails(%s, %s, %s, %s)"
_LEAVE: LiteralString = "SELECT store.leave_mail(%s, %s, %s, %s, %s, %s, %s)"


class PostgresOutbox:
    """Implements commands.notifications.telling.Outbox. `pool` may append: mails are given out across tenants.

    Everything raises StoreUnavailableError while Postgres can't be reached.
    """

    def __init__(self, connections: TenantConnections, pool: Pool, worker: UUID, *, lease: timedelta = LEASE) -> None:
        self._connections = connections
        self._pool = pool
        self._worker = worker
        self._lease = lease

    async def tenants(self) -> Sequence[UUID]:
        """See the port."""
        async with unavailable_as_such(), self._pool.connection() as connection:
            rows = await (await connection.execute(_TENANTS, (_AT_ONCE,))).fetchall()
        return [tenant_id for (tenant_id,) in rows]

    async def news(self, tenant_id: UUID) -> tuple[int, Sequence[News]]:
        """See the port."""
        async with unavailable_as_such(), self._connections.of(tenant_id) as connection:
            row = await (await connection.execute(_TURN, (tenant_id,))).fetchone()
            before = row[0] if row else 0
            found = await notification_queries.since(connection, tenant_id, before)
        return before, [News(*each) for each in found]

    async def keep(self, tenant_id: UUID, before: int, after: int, mails: Sequence[Kept]) -> bool:
        """See the port."""
        async with unavailable_as_such():
            rows = await self._connections.rows(tenant_id, _KEEP, (before, after, msgspec.json.encode(mails).decode()))
        return bool(rows[0][0])

    async def take(self, at: datetime) -> Sequence[Due]:
        """See the port."""
        async with unavailable_as_such(), self._pool.connection() as connection:
            rows = await (await connection.execute(_TAKE, (self._worker, self._lease, at, _AT_ONCE))).fetchall()
        return [
            Due(tenant_id=tenant_id, user_id=user_id, digest=digest, due_at=due_at, ids=ids)
            for tenant_id, user_id, digest, due_at, ids in rows
        ]

    async def unread(self, due: Due) -> Sequence[News]:
        """See the port."""
        async with unavailable_as_such(), self._connections.of(due.tenant_id) as connection:
            found = await notification_queries.unread_of(connection, due.tenant_id, due.user_id, due.ids)
        return [News(*each) for each in found]

    async def leave(self, due: Due, why: str | None) -> None:
        """See the port."""
        parameters = (self._worker, due.tenant_id, due.user_id, due.digest, due.due_at, why, MOST_TRIES)
        async with unavailable_as_such(), self._pool.connection() as connection:
            await connection.execute(_LEAVE, parameters)


class People:
    """What is known of users who may be told something."""

    def __init__(self, store: EventStore, authorization: Authorization) -> None:
        self._states = FoldedStates(store)
        self._authorization = authorization

    async def person(self, tenant_id: UUID, user_id: UUID) -> Person:
        """A user as they are now; one who is gone, suspended or has not joined yet is told nothing."""
        settings = (await self._authorization.access(tenant_id)).settings
        user = await self._states.found(tenant_id, "user", users.evolve, user_id)
        if user is None:
            return Person(None, Preferences(id=user_id), settings.timezone, settings.digest_hour)
        stream_id = preferences_id(user_id)
        found = await self._states.found(tenant_id, "notification_preferences", evolve_preferences, stream_id)
        wanted = found or Preferences(id=stream_id)
        hour = settings.digest_hour if wanted.digest_hour is None else wanted.digest_hour
        is_there = user.status is Status.ACTIVE and user.deleted_at is None
        return Person(user.email if is_there else None, wanted, user.timezone or settings.timezone, hour)


async def telling(
    wired: Wiring, store: EventStore, authorization: Authorization
) -> tuple[PostgresOutbox, Telling, Clock]:
    """What a worker tells users by mail with."""
    connections = TenantConnections(await wired.pool(SERVICE, size=1))
    outbox = PostgresOutbox(connections, await wired.pool(APPEND, size=1), clock.new_id())
    people = People(store, authorization)
    return outbox, Telling(outbox, people.person, mailer_of(wired.settings), clock.now), clock.now
