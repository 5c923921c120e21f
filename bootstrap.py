"""The composition root: settings to adapters to roles. The only file that may import everything."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from infra.lean import collect_seldom
from infra.postgres import is_up
from infra.secret import DamagedSecretError
from infra.wiring import Wiring, mailer_of, metrics_of, violations_of, wiring
from settings import Settings, SettingsError, from_environment

if TYPE_CHECKING:
    from commands.handle import Handler
    from commands.identity.access import Authorization
    from commands.ports import EventStore
    from infra.postgres import Pool
    from projections.ports import Announcements


INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended: 128 and the number of the signal."""


async def api(wired: Wiring) -> Any:
    """The HTTP application with everything that it uses."""
    from valkey.asyncio import Valkey

    from api.http.app import build
    from api.http.cursor import Cursors
    from api.http.services import Component, Services
    from commands.batch.batches import Batches
    from commands.folded import FoldedStates
    from commands.handle import Handler
    from infra import clock, postgres
    from infra.access.authorization import PostgresAuthorization
    from infra.cache.limits import ValkeyLimiter
    from infra.cache.valkey import ValkeyMarks
    from infra.event_store.audit_log import PostgresAuditLog
    from infra.event_store.finder import find, find_all
    from infra.event_store.log import applied_position
    from infra.event_store.snapshots import PostgresSnapshots
    from infra.event_store.store import PostgresEventStore
    from infra.imports.tools import receiving
    from infra.inbound.tools import bringing_in
    from infra.progress import Progress
    from infra.reading import contact_search, query_side

    settings, secret = wired.settings, wired.secret
    reads = await wired.pool(postgres.SERVICE)
    appends = await wired.pool(postgres.APPEND)
    connections = postgres.TenantConnections(reads)
    connection, signals = await wired.nats()
    progress = Progress(partial(applied_position, connections))
    wired.spawn(signals.on_applied(progress.heard))
    keyring = wired.keyring(connections)
    store = PostgresEventStore(appends, connections, secret, keyring=keyring, poke=signals.poke)
    wired.spawn((snapshots := PostgresSnapshots(connections, appends, keyring)).run())
    authorization, states = PostgresAuthorization(appends), FoldedStates(store, snapshots)
    handler = Handler(store, clock.now, clock.new_id, find(store), states, authorization.custom)
    valkey = Valkey.from_url(settings.valkey_url) if settings.valkey_url else None
    if valkey:
        wired.stack.push_async_callback(valkey.aclose)
    patience = settings.valkey_timeout_ms / 1000
    marks, limiter = ValkeyMarks(valkey, patience), ValkeyLimiter(valkey, timeout=patience)
    await limiter.open()
    wired.spawn(limiter.run())
    violations = violations_of(wired, appends, store)
    installed = await wired.installed(reads)
    queries, replica = await query_side(wired, reads, installed, progress)
    search = await contact_search(wired, queries, installed)

    async def health() -> Mapping[str, Component]:
        states = {
            "postgres": await is_up(reads),
            "nats": connection.client is not None,
            "valkey": await marks.is_there(),
        }
        components = {name: Component("ok" if up else "unavailable") for name, up in states.items()}
        if replica:
            components["postgres_replica"] = Component(replica.state)
        wanted = "opensearch" if wired.uses_opensearch else "postgres"
        return components | {"search": Component("ok" if search.backend == wanted else "degraded", search.backend)}

    return build(
        Services(
            store=store,
            handler=handler,
            batches=Batches(store, clock.now, clock.new_id, find_all(store), states, authorization.custom),
            reads=queries,
            audit=PostgresAuditLog(connections, keyring),
            progress=progress,
            search=search,
            **await signing_in(wired, reads, authorization, store, handler),
            clock=clock.now,
            new_id=clock.new_id,
            cursors=Cursors(secret.key("cursors")),
            imports=receiving(wired, connections, keyring, store, queries, authorization),
            inbound=bringing_in(settings, store, queries, progress),
            in_progress=marks,
            health=health,
            tried=violations.note,
            metrics=metrics_of(wired, store, violations),
            metrics_token=settings.metrics_token,
            max_body=settings.max_body,
            body_seconds=settings.body_seconds,
            limits=settings.limits,
            limiter=limiter,
            proxies=settings.trusted_proxies,
        )
    )


async def signing_in(
    wired: Wiring, reads: "Pool", authorization: "Authorization", store: "EventStore", handler: "Handler"
) -> dict[str, Any]:
    """The part of api.http.services.Services that says who asks, and lets people in."""
    from commands.identity.codes import Codes
    from commands.identity.sessions import Sessions
    from commands.identity.sign_in import SignIn
    from infra import clock
    from infra.access.attempts import PostgresSignInAttempts
    from infra.access.key_uses import PostgresKeyUses
    from infra.access.past import PostgresPastAccess
    from infra.access.sessions import PostgresSessions
    from infra.access.totp_steps import PostgresTotpSteps
    from infra.keys.api_keys import MacApiKeys
    from infra.keys.passwords import BcryptPasswords
    from infra.keys.refresh import HmacRefreshTokens
    from infra.keys.tokens import AccessTokens
    from infra.later import Later
    from infra.postgres import TenantConnections

    settings, secret, connections = wired.settings, wired.secret, TenantConnections(reads)
    ring = await wired.signing_keys(reads)
    tokens = AccessTokens(ring, settings.access_ttl)
    rows = PostgresSessions(connections, settings.refresh_ttl)
    refresh = HmacRefreshTokens(secret.key("refresh-tokens"))
    sessions = Sessions(store, rows, authorization, tokens, refresh, clock.now, clock.new_id)
    passwords = BcryptPasswords(settings.bcrypt_cost, secret.key("passwords"))
    attempts = PostgresSignInAttempts(connections, secret)
    later, codes = Later().do, Codes(handler, PostgresTotpSteps(connections), clock.now)
    return {
        "passwords": passwords,
        "tokens": tokens,
        "authorization": authorization,
        "past_access": PostgresPastAccess(connections),
        "api_keys": MacApiKeys(secret.key("api-keys")),
        "key_uses": PostgresKeyUses(connections),
        "sessions": sessions,
        "sign_in": SignIn(store, handler, passwords, attempts, codes, sessions, clock.now, clock.new_id, later),
        "codes": codes,
        "attempts": attempts,
        "later": later,
        "mailer": mailer_of(settings),
        "jwks": ring.jwks,
    }


async def relay(wired: Wiring) -> None:
    """Carry events to NATS until cancelled."""
    from infra import postgres
    from infra.broker.jetstream import JetStreamPublisher
    from infra.integrity.role import keep_checkpoints
    from infra.relay import Relay

    await keep_checkpoints(wired)
    pool = await wired.pool(postgres.RELAY, size=8)
    installed = await wired.installed(pool)
    connection, signals = await wired.nats()
    publisher = JetStreamPublisher(connection, installed.incarnation, installed.partitions, installed.former)
    role = Relay(pool, publisher, incarnation=installed.incarnation, partitions=installed.partitions)
    wired.spawn(signals.on_poke(role.poke))
    collect_seldom()
    await role.run()


async def projector(wired: Wiring) -> None:
    """Keep the read models up to date until cancelled."""
    from infra import postgres
    from infra.broker.deliveries import JetStreamDeliveries
    from infra.event_store.log import PostgresLog
    from infra.event_store.opened import recorded
    from infra.rebuilding import PostgresAside, sweep
    from projections.registry import POSTGRES
    from projections.runner import Runner

    pool = await wired.pool(postgres.PROJECTOR, size=8, durable=False)
    installed = await wired.installed(pool)
    connection, signals = await wired.nats()
    sessions = postgres.TenantConnections(pool)
    keyring = wired.keyring(sessions)
    deliveries = JetStreamDeliveries(
        *(connection, installed.incarnation, installed.partitions, "projector", partial(recorded, keyring=keyring)),
        former=installed.former,
    )
    await deliveries.open()
    wired.stack.push_async_callback(deliveries.close)
    log = PostgresLog(pool, keyring)
    announcements: Announcements = signals
    if wired.uses_opensearch:
        from projections.contacts.indexer import WakingAnnouncements

        indexer = wired.contact_indexer(installed, log, sessions, signals)
        wired.spawn(indexer.run())
        announcements = WakingAnnouncements(signals, indexer.wake)
    wired.spawn(sweep(PostgresAside(await wired.pool(postgres.PROJECTOR, size=1))))
    runner = Runner(POSTGRES, log=log, deliveries=deliveries, sessions=sessions, announcements=announcements)
    collect_seldom()
    await runner.run()


async def worker(wired: Wiring) -> None:
    """Go on with imports, bring mails in and send some, keep duplicates, scores and flags of leads, until cancelled."""
    from api.worker import duplicates, imports, inactivity, inbound, scoring, telling
    from infra.imports.tools import working
    from infra.inactivity import sweeping
    from infra.inbound.tools import dropping
    from infra.matching import comparing
    from infra.scoring import keeping
    from infra.telling import telling as mails

    tools = await working(wired)
    wired.spawn(duplicates.run(*await comparing(wired, tools.store)))
    wired.spawn(scoring.run(await keeping(wired)))
    wired.spawn(inactivity.Sweeper(*await sweeping(wired, tools.store, tools.authorization)).run())
    wired.spawn(inbound.run(await dropping(wired, tools)))
    wired.spawn(telling.run(*await mails(wired, tools.store, tools.authorization)))
    collect_seldom()
    await imports.run(tools)


async def serve_api(wired: Wiring, port: int) -> None:
    """Serve the API until SIGTERM."""
    from api.http.serve import serve

    settings = wired.settings
    app = await api(wired)
    collect_seldom()
    await serve(app, host=settings.host, port=port, idle_seconds=settings.idle_seconds)


def run_role(settings: Settings, role: str, port: int = 0) -> None:
    """Run one role in this process until SIGTERM or SIGINT."""
    from infra import priority, processes
    from infra.lean import import_leanly

    if (nice := priority.LATER.get(role)) is not None:
        priority.give_way(nice)
    import_leanly()
    import uvloop

    from infra import logs

    if parent := os.environ.get("RAPPORT_PARENT"):
        processes.die_with_parent(int(parent))
    logs.configure(settings.log_level, role)

    async def run() -> None:
        async with wiring(settings, role) as wired:
            if role == "api":
                await serve_api(wired, port)
            else:
                await processes.until_stopped({"relay": relay, "projector": projector, "worker": worker}[role](wired))

    uvloop.run(run())


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `rapport`."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        raise SystemExit(f"rapport: {error}") from None
    if words[:1] == ["role"]:
        # How `up` starts its processes: without the command line's own imports, which cost them time and memory.
        run_role(settings, words[1], *map(int, words[2:]))
        return
    try:
        from api.cli.main import run
        from infra import logs
        from infra.tools import Tools
        from projections.registry import POSTGRES

        logs.configure("critical", "cli")  # what goes wrong here is told in words
        run(Tools(settings, POSTGRES), words)
    except DamagedSecretError as error:
        raise SystemExit(f"rapport: {error}. It has to come back from a backup.") from None
    except KeyboardInterrupt:  # in the imports, which take a second: later ones are the command line's own
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
