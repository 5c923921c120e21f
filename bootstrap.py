"""The composition root: settings to adapters to roles. The only file that may import everything."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct, structs

from settings import Settings, SettingsError, from_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from opensearchpy import AsyncOpenSearch

    from api.cli.ports import Projecting, Ready, UpOptions, Writing
    from api.http.services import Component
    from infra.broker.connection import NatsConnection
    from infra.broker.signals import NatsSignals
    from infra.event_store.migrate import ReadModel
    from infra.local import Local
    from infra.postgres import Pool
    from infra.secret import Secret
    from projections.contact_indexer import ContactIndexer
    from projections.contact_search import AnyContactSearch
    from projections.ports import Announcements, Log, Sessions

_CLOSING_SECONDS = 4.0


class Installation(Struct, frozen=True):
    """What this installation is, as its database says."""

    incarnation: UUID
    partitions: int


def secret_of(settings: Settings) -> "Secret":
    """The root of all keys: from the setting, else from the data folder."""
    from infra import secret

    return secret.secret_from(settings.secret) if settings.secret else secret.secret_in(settings.data)


def read_models() -> "list[ReadModel]":
    """What the projections need in the database."""
    from infra.event_store.migrate import ReadModel
    from projections.registry import POSTGRES

    return [ReadModel(p.name, p.version, p.ddl, p.tables) for p in POSTGRES]


def migrate(settings: Settings) -> list[str]:
    """Bring the database to the current schema; returns what was applied."""
    from infra.event_store import migrate

    return migrate.migrate(postgres_dsn(settings), secret_of(settings), read_models())


def postgres_dsn(settings: Settings) -> str:
    """The database. Raises SystemExit when none is set."""
    if not settings.postgres_dsn:
        raise SystemExit("RAPPORT_POSTGRES_DSN is not set: name a database, or use `rapport up`, which brings its own")
    return settings.postgres_dsn


class Wiring:
    """Opens adapters and closes them in reverse order."""

    def __init__(self, settings: Settings, role: str) -> None:
        self.settings = settings
        self.role = role
        self.secret = secret_of(settings)
        self.stack = AsyncExitStack()

    async def pool(self, database_role: str, size: int | None = None) -> "Pool":
        """A pool under one database role."""
        from infra import postgres

        dsn = postgres.role_dsn(postgres_dsn(self.settings), database_role, self.secret)
        pool = await postgres.open_pool(dsn, name=self.role, size=size or self.settings.pool_size)
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

    def spawn(self, work: Any) -> None:
        """Run something beside the role until the role ends."""
        task = asyncio.ensure_future(work)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.stack.push_async_callback(end)


@asynccontextmanager
async def wiring(settings: Settings, role: str) -> AsyncIterator[Wiring]:
    """Adapters for one role."""
    made = Wiring(settings, role)
    async with made.stack:
        yield made


async def installation(pool: "Pool") -> Installation:
    """What the database says of this installation."""
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT incarnation, partitions FROM ops.installation")).fetchone()
    if row is None:
        raise RuntimeError("ops.installation is empty: run `rapport migrate`")
    return Installation(*row)


async def api(wired: Wiring) -> Any:
    """The HTTP application with everything that it uses."""
    from valkey.asyncio import Valkey

    from api.http.app import build
    from api.http.cursor import Cursors
    from api.http.services import Services
    from commands.handle import Handler
    from infra import clock, postgres
    from infra.cache.valkey import ValkeyMarks
    from infra.event_store.finder import find
    from infra.event_store.log import applied_position
    from infra.event_store.store import PostgresEventStore
    from infra.keys.passwords import BcryptPasswords
    from infra.keys.signing import load_signing_keys
    from infra.keys.tokens import AccessTokens
    from infra.progress import Progress

    settings, secret = wired.settings, wired.secret
    reads = await wired.pool(postgres.SERVICE)
    appends = await wired.pool(postgres.APPEND)
    connections = postgres.TenantConnections(reads)
    connection, signals = await wired.nats()
    progress = Progress(partial(applied_position, connections))
    wired.spawn(signals.on_applied(progress.heard))
    store = PostgresEventStore(appends, connections, secret, poke=signals.poke)
    keys = await load_signing_keys(reads, secret)
    valkey = Valkey.from_url(settings.valkey_url) if settings.valkey_url else None
    if valkey:
        wired.stack.push_async_callback(valkey.aclose)
    marks = ValkeyMarks(valkey)
    search = await contact_search(wired, connections, await installation(reads))

    async def health() -> "Mapping[str, Component]":
        from api.http.services import Component

        states = {
            "postgres": await is_up(reads),
            "nats": connection.client is not None,
            "valkey": await marks.is_there(),
        }
        components = {name: Component("ok" if up else "unavailable") for name, up in states.items()}
        wanted = "opensearch" if wired.uses_opensearch else "postgres"
        return components | {"search": Component("ok" if search.backend == wanted else "degraded", search.backend)}

    return build(
        Services(
            store=store,
            handler=Handler(store, clock.now, clock.new_id, find(store)),
            reads=connections,
            progress=progress,
            search=search,
            passwords=BcryptPasswords(settings.bcrypt_cost, secret.key("passwords")),
            tokens=AccessTokens(keys, settings.access_ttl),
            jwks=keys.jwks(),
            new_id=clock.new_id,
            cursors=Cursors(secret.key("cursors")),
            in_progress=marks,
            health=health,
            max_body=settings.max_body,
        )
    )


async def contact_search(wired: Wiring, connections: Any, installed: Installation) -> "AnyContactSearch":
    """Contact search: OpenSearch with Postgres behind it, or Postgres alone."""
    from infra.search.fallback import FallbackSearch, OnlySearch
    from infra.search.postgres import PostgresContactSearch

    behind = PostgresContactSearch(connections)
    if not wired.uses_opensearch:
        return OnlySearch(behind)
    from infra.search.opensearch import OpenSearchContactSearch
    from infra.search.opensearch_index import alias_of

    primary = OpenSearchContactSearch(wired.opensearch(), alias_of(installed.incarnation))
    search = FallbackSearch(primary, behind, primary.is_ready)
    wired.spawn(search.run())
    return search


async def is_up(pool: "Pool") -> bool:
    """Whether Postgres answers."""
    import psycopg
    from psycopg_pool import PoolTimeout

    try:
        async with asyncio.timeout(2), pool.connection(timeout=1) as connection:
            await connection.execute("SELECT 1")
    except (psycopg.Error, PoolTimeout, TimeoutError):
        return False
    return True


async def relay(wired: Wiring) -> None:
    """Carry events to NATS until cancelled."""
    from infra import postgres
    from infra.broker.jetstream import JetStreamPublisher
    from infra.relay import Relay

    pool = await wired.pool(postgres.RELAY, size=4)
    installed = await installation(pool)
    connection, signals = await wired.nats()
    publisher = JetStreamPublisher(connection, installed.incarnation, installed.partitions)
    role = Relay(pool, publisher, incarnation=installed.incarnation, partitions=installed.partitions)
    wired.spawn(signals.on_poke(role.poke))
    await role.run()


async def projector(wired: Wiring) -> None:
    """Keep the read models up to date until cancelled."""
    from infra import postgres
    from infra.broker.deliveries import JetStreamDeliveries
    from infra.event_store.log import PostgresLog
    from projections.registry import POSTGRES
    from projections.runner import Runner

    pool = await wired.pool(postgres.PROJECTOR, size=6)
    installed = await installation(pool)
    connection, signals = await wired.nats()
    deliveries = JetStreamDeliveries(connection, installed.incarnation, installed.partitions, "projector")
    await deliveries.open()
    wired.stack.push_async_callback(deliveries.close)
    log, sessions = PostgresLog(pool), postgres.TenantConnections(pool)
    announcements: Announcements = signals
    if wired.uses_opensearch:
        from projections.contact_indexer import WakingAnnouncements

        indexer = contact_indexer(wired, installed, log, sessions, signals)
        wired.spawn(indexer.run())
        announcements = WakingAnnouncements(signals, indexer.wake)
    await Runner(POSTGRES, log=log, deliveries=deliveries, sessions=sessions, announcements=announcements).run()


def contact_indexer(
    wired: Wiring, installed: Installation, log: "Log", sessions: "Sessions", announcements: "Announcements"
) -> "ContactIndexer":
    """What keeps the search index level with the contact rows."""
    from infra.search.opensearch_index import OpenSearchContactIndex, alias_of
    from projections.contact_indexer import ContactIndexer

    index = OpenSearchContactIndex(wired.opensearch(), alias_of(installed.incarnation))
    return ContactIndexer(index, log=log, sessions=sessions, announcements=announcements)


async def serve_api(wired: Wiring, port: int) -> None:
    """Serve the API until SIGTERM."""
    from api.http.serve import serve

    await serve(await api(wired), host=wired.settings.host, port=port)


def run_role(settings: Settings, role: str, port: int | None) -> None:
    """Run one role in this process until SIGTERM or SIGINT."""
    import uvloop

    from infra import logs, processes

    if parent := os.environ.get("RAPPORT_PARENT"):
        processes.die_with_parent(int(parent))
    logs.configure(settings.log_level, role)

    async def run() -> None:
        async with wiring(settings, role) as wired:
            if role == "api":
                await serve_api(wired, port or 0)
            else:
                await until_stopped({"relay": relay, "projector": projector}[role](wired))

    uvloop.run(run())


async def until_stopped(work: "Coroutine[Any, Any, None]") -> None:
    """Run something until it ends or this process is asked to stop."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        task.cancel()
        # What is being closed may be gone already, together with the parent: don't wait for it for ever.
        loop.call_later(_CLOSING_SECONDS, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await task


class Started:
    """Implements api.cli.ports.Installation over the local servers and role processes."""

    def __init__(self, local: "Local", secret: "Secret") -> None:
        self._local = local
        self._secret = secret

    def ready(self) -> "Ready":
        """See the port."""
        from api.cli.ports import Ready
        from infra import local, postgres

        here, settings = self._local, self._local.settings
        mails = local.mail_folder(settings.data)
        return Ready(
            url=here.url if local.API in here.options.roles else None,
            grpc=None,
            postgres=postgres.role_dsn(postgres_dsn(settings), postgres.SERVICE, self._secret),
            postgres_admin=here.admin_dsn or settings.postgres_dsn,
            nats=settings.nats_url,
            valkey=settings.valkey_url,
            opensearch=settings.opensearch_url if here.opensearch_ready else None,
            mail_folder=str(mails) if mails else None,
            pid=os.getpid(),
        )

    def watch(self) -> None:
        """See the port."""
        if self._local.roles:
            self._local.roles.watch()

    def stop(self) -> None:
        """See the port."""
        self._local.stop()


class Tools:
    """Implements api.cli.ports.Tools."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self, options: "UpOptions", tell: "Callable[[str], None]") -> Started:
        """See the port."""
        from api.cli.ports import Refused
        from infra import local

        settings = structs.replace(
            self._settings,
            data=options.data.absolute() if options.data else self._settings.data,
            search=options.search or self._settings.search,
        )

        def on_event(event: Any) -> None:
            if event.message:
                tell(f"{event.server or 'servers'}: {event.message}")

        try:
            roles = local.roles_of(options.roles)
            here = local.Local(
                settings, local.Options(port=options.port, roles=roles, migrate=options.migrate), on_event
            )
            try:
                self._settings = here.start_servers()
                secret = secret_of(self._settings)
                if options.migrate:
                    tell("\n".join(f"schema: {name}" for name in self.migrate()) or "schema: current")
                here.start_roles()
            except BaseException:
                here.stop()
                raise
        except local.StartError as error:
            raise Refused(str(error), error.hint) from error
        return Started(here, secret)

    def run_role(self, role: str, port: int | None) -> None:
        """See the port."""
        run_role(self._settings, role, port)

    def migrate(self) -> list[str]:
        """See the port."""
        import psycopg

        from api.cli.ports import Refused

        try:
            return migrate(self._settings)
        except psycopg.Error as error:
            raise Refused(
                f"the database can't be migrated: {str(error).strip()}",
                "RAPPORT_POSTGRES_DSN must name a reachable database, and a role that may create roles.",
            ) from error

    @asynccontextmanager
    async def writing(self) -> "AsyncIterator[Writing]":
        """See the port."""
        from api.cli.ports import Writing
        from infra import clock, postgres
        from infra.event_store.store import PostgresEventStore
        from infra.keys.passwords import BcryptPasswords

        async with wiring(self._settings, "cli") as wired:
            reads, appends = await wired.pool(postgres.SERVICE, 2), await wired.pool(postgres.APPEND, 2)
            _, signals = await wired.nats()
            store = PostgresEventStore(appends, postgres.TenantConnections(reads), wired.secret, poke=signals.poke)
            passwords = BcryptPasswords(self._settings.bcrypt_cost, wired.secret.key("passwords"))
            yield Writing(store, passwords, clock.now, clock.new_id)

    @asynccontextmanager
    async def projecting(self) -> "AsyncIterator[Projecting]":
        """See the port."""
        from api.cli.ports import Projecting
        from infra import postgres
        from infra.event_store.log import PostgresLog
        from projections.registry import POSTGRES

        async with wiring(self._settings, "cli") as wired:
            pool = await wired.pool(postgres.PROJECTOR, 3)
            yield Projecting(PostgresLog(pool), postgres.TenantConnections(pool), POSTGRES)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `rapport`."""
    from api.cli.main import run
    from infra import logs

    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        raise SystemExit(f"rapport: {error}") from None
    logs.configure(settings.log_level, "cli")
    run(Tools(settings), sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    main()
