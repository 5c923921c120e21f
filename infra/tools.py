"""What the command line works with: starting an installation, and the adapters of one that runs."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
from msgspec import structs
from psycopg_pool import PoolTimeout

from commands.imports.at_hand import AtHand
from domain.errors import DomainError
from infra import postgres
from infra.access.past import PostgresPastAccess
from infra.clock import new_id, now
from infra.embedded.protocol import ServerEvent
from infra.event_store.audit_log import PostgresAuditLog
from infra.event_store.installation import installation
from infra.event_store.log import PostgresLog
from infra.event_store.migrate import ReadModel, migrate
from infra.event_store.store import PostgresEventStore
from infra.fillers import fillers
from infra.imports.tools import at_hand
from infra.integrity.archive import UntrustedRecordError
from infra.integrity.role import settle_down
from infra.integrity.tools import IntegrityTools
from infra.keys.passwords import BcryptPasswords
from infra.keys.tools import KeyTools
from infra.local import Local, StartError, roles_of, running
from infra.postgres import TenantConnections
from infra.rebuilding import ASIDE_PATH, PostgresAside, PostgresScratch
from infra.wiring import NotConfiguredError, Wiring, postgres_dsn, secret_of, wiring
from projections.contacts.indexer import ContactIndexer
from projections.projection import Projection
from projections.rebuild import Fill
from settings import Settings

_MIGRATED_BY_UP = "It names the database. That of `rapport up` is brought to the current schema by its start."


class Writing(NamedTuple):
    """What it takes to carry out commands."""

    store: PostgresEventStore
    passwords: BcryptPasswords


class Operating(NamedTuple):
    """What the operator of the platform looks at."""

    audit: PostgresAuditLog
    store: PostgresEventStore
    log: PostgresLog
    past_access: PostgresPastAccess


class Projecting(NamedTuple):
    """What it takes to look at read models and to build them."""

    log: PostgresLog
    sessions: TenantConnections
    projections: Sequence[Projection]


class Rebuilding(NamedTuple):
    """What it takes to build read models anew, and to compare them."""

    log: PostgresLog
    sessions: TenantConnections
    projections: Sequence[Projection]
    aside: PostgresAside
    scratch: PostgresScratch
    search_index: ContactIndexer | None
    fill: Callable[[int], Fill]


class Tools:
    """Implements api.cli.ports.Tools."""

    def __init__(self, settings: Settings, projections: Sequence[Projection]) -> None:
        self._settings = settings
        self._projections = projections

    def clock(self) -> datetime:
        """See the port."""
        return now()

    def new_id(self) -> UUID:
        """See the port."""
        return new_id()

    def start(
        self,
        *,
        data: Path | None,
        port: int,
        search: str | None,
        roles: Sequence[str],
        migrated: bool,
        tell: Callable[[str], None],
    ) -> Local:
        """See the port."""
        settings = structs.replace(
            self._settings,
            data=data.absolute() if data else self._settings.data,
            search=search or self._settings.search,
        )

        def on_event(event: ServerEvent) -> None:
            if event.message:
                tell(f"{event.server or 'servers'}: {event.message}")

        try:
            local = Local(settings, port=port, roles=roles_of(roles), on_event=on_event)
            try:
                self._settings = local.start_servers()
                if not migrated:
                    tell("\n".join(f"schema: {name}" for name in self.migrate()) or "schema: current")
                local.start_roles()
            except BaseException:
                local.stop()
                raise
        except StartError as error:
            raise DomainError("up.refused", str(error), hint=error.hint) from error
        return local

    def migrate(self, *, restored: bool = False) -> list[str]:
        """See the port."""
        models = [ReadModel(p.name, p.version, p.ddl, p.tables) for p in self._projections]
        try:
            applied = migrate(postgres_dsn(self._settings), secret_of(self._settings), models)
            settled = settle_down(self._settings, restored=restored)
        except NotConfiguredError as error:
            raise DomainError("settings.missing", "RAPPORT_POSTGRES_DSN is not set", hint=_MIGRATED_BY_UP) from error
        except psycopg.Error as error:
            raise DomainError(
                "migrate.failed",
                f"the database can't be migrated: {str(error).strip()}",
                hint="RAPPORT_POSTGRES_DSN must name a reachable database, and a role that may create roles.",
            ) from error
        except (UntrustedRecordError, OSError) as error:
            raise DomainError(
                "checkpoints.untrusted",
                f"the signed checkpoints in {self._settings.checkpoints} can't be used: {error}",
                hint="RAPPORT_CHECKPOINT_FOLDER must be this installation's, and one that can be written.",
            ) from error
        return [*applied, f"incarnation/{settled.incarnation}"] if settled.begun else applied

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """See the port."""
        async with self._reachable() as wired:
            reads, appends = await wired.pool(postgres.SERVICE, 2), await wired.pool(postgres.APPEND, 2)
            _, signals = await wired.nats()
            connections = TenantConnections(reads)
            keyring = wired.keyring(connections)
            store = PostgresEventStore(appends, connections, wired.secret, keyring=keyring, poke=signals.poke)
            yield Writing(store, BcryptPasswords(self._settings.bcrypt_cost, wired.secret.key("passwords")))

    @asynccontextmanager
    async def operating(self) -> AsyncIterator[Operating]:
        """See the port."""
        async with self._reachable() as wired:
            connections = TenantConnections(await wired.pool(postgres.SERVICE, 2))
            appends, projector = await wired.pool(postgres.APPEND, 1), await wired.pool(postgres.PROJECTOR, 1)
            keyring = wired.keyring(connections)
            yield Operating(
                PostgresAuditLog(connections, keyring),
                PostgresEventStore(appends, connections, wired.secret, keyring=keyring),
                PostgresLog(projector, keyring),
                PostgresPastAccess(connections),
            )

    @asynccontextmanager
    async def importing(self) -> AsyncIterator[AtHand]:
        """See api.cli.imports.Importing."""
        async with self._reachable() as wired:
            yield await at_hand(wired)

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator[Projecting]:
        """See the port."""
        async with self._reachable() as wired:
            pool = await wired.pool(postgres.PROJECTOR, 3)
            sessions = TenantConnections(pool)
            yield Projecting(PostgresLog(pool, wired.keyring(sessions)), sessions, self._projections)

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator[Rebuilding]:
        """See the port."""
        async with self._reachable() as wired:
            pool = await wired.pool(postgres.PROJECTOR, 6)
            slow = partial(wired.pool, postgres.PROJECTOR, durable=False, statement_seconds=0)
            aside, scratch = await slow(8, search_path=ASIDE_PATH), await slow(1)
            sessions = TenantConnections(pool)
            log = PostgresLog(pool, wired.keyring(sessions))
            index = None
            if wired.uses_opensearch:
                _, signals = await wired.nats()
                index = wired.contact_indexer(await installation(pool), log, sessions, signals)
            yield Rebuilding(
                *(log, sessions, self._projections, PostgresAside(aside), PostgresScratch(scratch), index),
                fill=partial(fillers, wired.settings),
            )

    @property
    def integrity(self) -> IntegrityTools:
        """See the port."""
        return IntegrityTools(self._settings, self._reachable)

    @property
    def keys(self) -> KeyTools:
        """See the port."""
        return KeyTools(self._settings)

    @asynccontextmanager
    async def _reachable(self) -> AsyncIterator[Wiring]:
        """Adapters; what they can't reach is refused in a sentence."""
        try:
            async with wiring(running(self._settings), "cli") as wired:
                yield wired
        except NotConfiguredError as error:
            raise DomainError(
                "settings.missing", str(error), hint="Start `rapport up`, or set RAPPORT_POSTGRES_DSN."
            ) from error
        except PoolTimeout as error:
            raise DomainError(
                "postgres.unreachable",
                "Postgres can't be reached",
                hint="Is it running, and has `rapport migrate` been run on it?",
            ) from error
