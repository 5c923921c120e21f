"""Appends to build tests from, and `store.append_columns` called as the appender calls it."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from commands.ports import Append, Claim, Expected, KeyUse, StreamEvents
from domain.event import SYSTEM, Event, Metadata
from infra.event_store import codec
from infra.event_store.sealed import seal
from infra.keys.keyring import Keyring
from infra.keys.master import local_master
from infra.keys.wrapping import TenantKey, new_tenant_key
from infra.postgres import Pool, TenantConnections
from tests.conftest import SECRET, Database
from tests.given import changed, registered

OCCURRED = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
METADATA = Metadata(actor=SYSTEM, correlation_id="test")

Batches = list[list[Append]]
"""What an appender has sent, call by call."""


def stream(stream_id: UUID, after: int = 0, count: int = 1) -> StreamEvents:
    """The next events of a contact."""
    first = () if after else (registered(),)
    more = tuple(changed(title=f"Title {after + n}") for n in range(count - len(first)))
    return StreamEvents(stream_id, after, (*first, *more))


def append(
    tenant_id: UUID,
    *streams: StreamEvents,
    command_id: UUID | None = None,
    metadata: Metadata = METADATA,
    claims: Sequence[Claim] = (),
    releases: Sequence[Claim] = (),
    expects: Sequence[Expected] = (),
    key: KeyUse | None = None,
) -> Append:
    """What one command writes."""
    return Append(
        tenant_id=tenant_id, command_id=command_id or uuid4(), metadata=metadata, streams=streams,
        occurred_at=OCCURRED, claims=tuple(claims), releases=tuple(releases), expects=tuple(expects), key=key,
    )  # fmt: skip


def one(tenant_id: UUID, *events: Event) -> Append:
    """An append of a new contact."""
    return append(tenant_id, StreamEvents(uuid4(), 0, events or (registered(),)))


def key(name: str, body: str = "body", *, result_id: UUID | None = None, status: int = 201) -> KeyUse:
    """The use of an idempotency key."""
    return KeyUse(name.encode().ljust(32), body.encode().ljust(32), result_id or uuid4(), status)


def claim(tenant_id: UUID, value: str, stream_id: UUID, kind: str = "contact.external_id/crm") -> Claim:
    """A unique value."""
    return Claim(tenant_id, kind, value, stream_id)


async def call(pool: Pool, *appends: Append, skip_busy: bool = False) -> list[tuple[Any, ...]]:
    """The rows of `store.append_columns`, in the order of the appends, which need not be sorted."""
    order = sorted(range(len(appends)), key=lambda n: appends[n].tenant_id.int)
    argument = await batch(pool, [appends[n] for n in order])
    async with pool.connection() as connection:
        rows = await call_over(connection, argument, skip_busy=skip_busy)
    return [row for _, row in sorted(zip(order, rows, strict=True), key=lambda pair: pair[0])]


async def call_over(
    connection: psycopg.AsyncConnection[Any], argument: tuple[bytes, ...], *, skip_busy: bool = False
) -> list[tuple[Any, ...]]:
    """The rows of `store.append_columns`, in a transaction of this connection."""
    connection.adapters.register_dumper(_Binary, _AsItIs)
    values = [_Binary(value) for value in (*argument, b"\1" if skip_busy else b"\0")]
    places = ", ".join(["%b"] * len(values))
    cursor = await connection.execute(f"SELECT * FROM store.append_columns({places})".encode(), values)
    return await cursor.fetchall()


class _Binary(bytes):
    """A value as Postgres takes it."""


class _AsItIs(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return bytes(obj)


async def batch(pool: Pool, appends: Sequence[Append]) -> tuple[bytes, ...]:
    """The arguments of `store.append_columns`, with keys of its own for what is personal."""
    # The pool that appends reads no key: as if every tenant were new.
    keyring = UnreadKeys(TenantConnections(pool), local_master(SECRET))
    return codec.batch([await seal(append, keyring) for append in appends], SECRET, "1 hour")


class UnreadKeys(Keyring):
    """Makes keys, and reads none."""

    async def _load_tenant(self, tenant_id: UUID) -> dict[bytes, TenantKey]:
        made = new_tenant_key(self._master, tenant_id)
        self._tenants.put(tenant_id, found := {made.id: made})
        return found

    async def load(self, tenant_id: UUID, subjects: Collection[UUID]) -> None:
        del tenant_id, subjects


def outcomes(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The first column."""
    return [row[0] for row in rows]


@asynccontextmanager
async def held(database: Database, tenant: UUID) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Another process is in the middle of an append of this tenant."""
    async with await psycopg.AsyncConnection.connect(database.admin_dsn) as connection:
        await connection.execute("SELECT FROM store.tenant_head WHERE tenant_id = %s FOR UPDATE", (tenant,))
        yield connection
        await connection.rollback()
