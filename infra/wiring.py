"""Adapters of one process: opened as its role asks for them, closed in reverse order."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from infra import postgres, priority, secret
from infra.cancellation import ended
from infra.event_store.installation import Installation, installation, until_replaced
from infra.postgres import Pool
from infra.secret import Secret
from settings import Settings

if TYPE_CHECKING:
    from opensearchpy import AsyncOpenSearch

    from commands.notifications.mail import Mailer
    from commands.ports import EventStore
    from infra.broker.connection import NatsConnection
    from infra.broker.signals import NatsSignals
    from infra.event_store.store import PostgresEventStore
    from infra.keys.keyring import Keyring
    from infra.keys.master import LocalMaster
    from infra.keys.ring import KeyRing
    from infra.metrics import Metrics
    from infra.violations import ViolationQueue
    from projections.contacts.indexer import ContactIndexer
    from projections.ports import Announcements, Log, Sessions


class NotConfiguredError(Exception):
    """A setting is missing that this process needs."""


def secret_of(settings: Settings) -> Secret:
    """The root of all keys: from the setting, else from the data folder."""
    return secret.secret_from(settings.secret) if settings.secret else secret.secret_in(settings.data)


def mailer_of(settings: Settings) -> "Mailer":
    """What delivers mails: the SMTP server, else a folder."""
    if settings.smtp:
        from infra.mail.smtp import SmtpMailer

        return SmtpMailer(settings.smtp, settings.mail_from)
    from infra.mail.folder import MailFolder

    return MailFolder(settings.data / "mail", settings.mail_from)


def master_of(settings: Settings) -> "LocalMaster":
    """The master keys of personal data: those that are set, and the one that the installation's secret gives."""
    from infra.keys.master import local_master

    words = settings.master_key.split() if settings.master_key else []
    return local_master(*map(secret.secret_from, words), secret_of(settings))


def postgres_dsn(settings: Settings) -> str:
    """The database. Raises NotConfiguredError when none is set."""
    if not settings.postgres_dsn:
        raise NotConfiguredError("RAPPORT_POSTGRES_DSN is not set, and no `rapport up` runs on this data folder")
    return settings.postgres_dsn


class Wiring:
    """Opens adapters and closes them in reverse order."""

    def __init__(self, settings: Settings, role: str) -> None:
        self.settings = settings
        self.role = role
        self.secret = secret_of(settings)
        self.stack = AsyncExitStack()

    async def pool(self, database_role: str, size: int | None = None, **options: Any) -> Pool:
        """A pool under one database role; options as infra.postgres.open_pool takes them."""
        dsn = postgres.role_dsn(postgres_dsn(self.settings), database_role, self.secret)
        if (nice := priority.LATER.get(self.role)) is not None:
            if database_role == postgres.APPEND:
                nice = min(nice, priority.APPENDS_LATER)
            options["started"] = partial(priority.backend_gives_way, nice, self.settings.data / "postgres")
        pool = await postgres.open_pool(dsn, name=self.role, size=size or self.settings.pool_size, **options)
        self.stack.push_async_callback(pool.close, 2)
        return pool

    def keyring(self, connections: postgres.TenantConnections) -> "Keyring":
        """The keys of personal data in events, read over these connections; one for a process."""
        from infra.keys.keyring import Keyring

        return Keyring(connections, master_of(self.settings))

    async def signing_keys(self, pool: Pool) -> "KeyRing":
        """The keys that sign access tokens, kept up to date."""
        from infra.keys.ring import KeyRing
        from infra.keys.signing import load_signing_keys

        load = partial(load_signing_keys, pool, self.secret)
        ring = KeyRing(await load(), load)
        self.spawn(ring.run())
        return ring

    async def replica(self) -> Pool | None:
        """A pool of the service role on the read replica, which need not be there; None where none is set."""
        if not self.settings.postgres_read_dsn:
            return None
        dsn = postgres.role_dsn(self.settings.postgres_read_dsn, postgres.SERVICE, self.secret)
        name, size = f"{self.role}-replica", self.settings.pool_size
        pool = await postgres.open_pool(dsn, name=name, size=size, patient=False)
        self.stack.push_async_callback(pool.close, 2)
        return pool

    async def nats(self) -> "tuple[NatsConnection, NatsSignals]":
        """The connection to NATS, made in the background."""
        from infra.broker.connection import NatsConnection
        from infra.broker.signals import NatsSignals

        connection = NatsConnection(self.settings.nats_url, self.role)
        await connection.open()
        self.stack.push_async_callback(connection.close)
        return connection, NatsSignals(connection)

    @property
    def uses_opensearch(self) -> bool:
        """Whether contacts are searched in OpenSearch, as long as it is there."""
        return self.settings.search == "opensearch" and bool(self.settings.opensearch_url)

    def opensearch(self) -> "AsyncOpenSearch":
        """A client of OpenSearch."""
        from infra.search.opensearch import open_client

        client = open_client(self.settings.opensearch_url or "")
        self.stack.push_async_callback(client.close)
        return client

    def contact_indexer(
        self, installed: Installation, log: "Log", sessions: "Sessions", announcements: "Announcements"
    ) -> "ContactIndexer":
        """What keeps the search index level with the contact rows."""
        from infra.search.opensearch_index import OpenSearchContactIndex, alias_of
        from projections.contacts.indexer import ContactIndexer

        index = OpenSearchContactIndex(self.opensearch(), alias_of(installed.incarnation), former=installed.former)
        return ContactIndexer(index, log=log, sessions=sessions, announcements=announcements)

    async def installed(self, pool: Pool) -> Installation:
        """What the installation is. The role ends when that is no longer so, to be started again on what it is then."""
        found = await installation(pool)

        async def end() -> None:
            await until_replaced(pool, found)
            os.kill(os.getpid(), signal.SIGTERM)

        self.spawn(end())
        return found

    def spawn(self, work: Awaitable[Any]) -> None:
        """Run something beside the role until the role ends."""
        self.stack.push_async_callback(ended, [asyncio.ensure_future(work)])


def violations_of(wired: Wiring, appends: Pool, store: "EventStore") -> "ViolationQueue":
    """What looks at ids that were told to be of nothing, as long as the role runs."""
    from commands.violations import Violations
    from infra.access.owners import PostgresOwners
    from infra.clock import new_id, now
    from infra.violations import ViolationQueue

    queue = ViolationQueue(Violations(PostgresOwners(appends), now, new_id), store)
    wired.stack.push_async_callback(queue.finish)
    wired.spawn(queue.run())
    return queue


def metrics_of(
    wired: Wiring, store: "PostgresEventStore", violations: "ViolationQueue"
) -> Callable[[], Awaitable[bytes]]:
    """Figures for Prometheus; what it takes is there from the first time that they are asked for."""
    made: list[Metrics] = []

    async def text() -> bytes:
        if not made:
            from infra.metrics import Metrics
            from projections.registry import POSTGRES, SEARCH

            names = [each.checkpoint for each in POSTGRES] + ([SEARCH] if wired.uses_opensearch else [])
            pool = await wired.pool(postgres.MONITOR, size=1, patient=False)
            made.append(Metrics(pool, names, lambda: store.appends_waiting, violations))
        return await made[0].text()

    return text


@asynccontextmanager
async def wiring(settings: Settings, role: str) -> AsyncIterator[Wiring]:
    """Adapters for one role."""
    made = Wiring(settings, role)
    async with made.stack:
        yield made
