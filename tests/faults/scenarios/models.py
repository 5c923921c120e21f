"""Faults 7 and 9: events that can't be applied, and read models that are built anew."""

import asyncio
import time
from uuid import UUID, uuid4

import psycopg

from commands.ports import Append, StreamEvents
from domain.contact import ContactChanged, ContactRegistered, Name
from domain.event import SYSTEM, Event, Metadata
from infra.clock import now
from infra.event_store.store import PostgresEventStore
from infra.postgres import APPEND as APPENDING
from infra.postgres import SERVICE, TenantConnections, open_pool, role_dsn
from projections.registry import POSTGRES
from tests.faults.checks.commands import APPEND
from tests.faults.journal import Acked, Asked
from tests.faults.trial import Trial

_PARKED = """
SELECT projection, stream_id FROM read.parked WHERE tenant_id = ANY(%s) AND skipped_at IS NULL ORDER BY projection
"""
_STUCK = """
SELECT count(*) > 0 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
 WHERE NOT l.granted AND l.mode = 'AccessExclusiveLock' AND c.relname = %s
"""
_AFFECTED = ["contact_past_v1", "contact_v1"]
_SLOWEST_SECONDS = 5.0


def poison(trial: Trial) -> None:
    """A contact is registered a second time, which no command does; changes of it follow, amid all the other events.
    Its stream waits from there on, in the read models that can't apply it, and nothing else does. A retry finds it no
    better; when a person has skipped it, what has waited is applied in order."""
    for _ in trial.rounds(1, 3):
        with trial.client() as client:
            contact = client.write("add")
        assert contact
        tenant = trial.load.ids[0]
        trial.load.until_acked(20)
        asyncio.run(_append(trial, tenant, contact, ContactRegistered(name=Name(display="Twice"))))
        trial.did("poisoned", "a stream")
        trial.load.until_acked(20)
        asyncio.run(_append(trial, tenant, contact, ContactChanged(title="after it")))
        trial.load.until_acked(20)
        trial.read_models_reach_heads(trial.load.ids)
        assert _parked(trial) == [(name, contact) for name in _AFFECTED]
        of_stream = ("--tenant", str(tenant), "--stream", str(contact))
        process = trial.site.rapport("projections", "retry", *of_stream)
        process.communicate()
        assert process.returncode == 1
        assert _parked(trial) == [(name, contact) for name in _AFFECTED]
        for name in ("contact", "contact_past"):
            trial.site.carried_out("projections", "skip", name, *of_stream, "--why", "to see what happens")
        assert _parked(trial) == []


def rebuilt(trial: Trial) -> None:
    """Read models are built anew beside the live ones under load: killed at random moments, and in the midst of the
    swap, which a reader holds up; asked again, it goes on and is done. While the session that is idle in transaction
    has read what is to be replaced, it is refused, and nobody waits for it."""
    names = [projection.name for projection in POSTGRES]
    trial.load.until_acked(40)
    if trial.long:
        _refused_while_it_is_read(trial)
    trial.site.idler.begin(trial.site.dsn, schemas=("store", "ops"))
    _killed_in_the_swap(trial)
    for number in trial.rounds(2, 6):
        name = trial.rng.choice(names) if number else "contact"
        process = trial.site.rapport("projections", "rebuild", name)
        trial.pause(4.0)
        process.kill()
        process.communicate()
        trial.did("killed", "a rebuild")
        trial.site.carried_out("projections", "rebuild", name)
        trial.load.until_acked(20)
    trial.site.carried_out("projections", "verify")


def _refused_while_it_is_read(trial: Trial) -> None:
    process = trial.site.rapport("projections", "rebuild", "contact")
    slowest, tenant = 0.0, trial.load.tenants[0]
    trial.load.slowest()
    while process.poll() is None:
        started = time.monotonic()
        assert tenant.http.get("/v1/contacts").status_code == 200
        slowest = max(slowest, time.monotonic() - started)
        time.sleep(0.05)
    said, _ = process.communicate()
    assert process.returncode == 1, said
    slowest = max(slowest, trial.load.slowest())
    assert slowest < _SLOWEST_SECONDS, f"a request took {slowest:.1f} s"


def _killed_in_the_swap(trial: Trial) -> None:
    with psycopg.connect(trial.site.dsn) as reader, psycopg.connect(trial.site.dsn, autocommit=True) as other:
        reader.execute("SELECT FROM read.contact_v1 LIMIT 1")
        process = trial.site.rapport("projections", "rebuild", "contact")
        deadline = time.monotonic() + 60
        while other.execute(_STUCK, ("contact_v1",)).fetchone() != (True,):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "it does not get to the swap"
            time.sleep(0.01)
        process.kill()
        process.communicate()
        trial.did("killed", "a swap")
    trial.load.until_acked(20)
    trial.site.carried_out("projections", "rebuild", "contact")


def _parked(trial: Trial) -> list[tuple[str, UUID]]:
    with psycopg.connect(trial.site.dsn) as connection:
        return connection.execute(_PARKED, (trial.load.ids,)).fetchall()


async def _append(trial: Trial, tenant: UUID, contact: UUID, event: Event) -> None:
    """Append an event past all rules, as a program with an error in it would."""
    secret = trial.site.secret
    pools = [
        await open_pool(role_dsn(trial.site.dsn, role, secret), name="faults", size=1) for role in (APPENDING, SERVICE)
    ]
    try:
        store = PostgresEventStore(pools[0], TenantConnections(pools[1]), secret)
        mark = f"mark-{uuid4().hex}"
        trial.note(Asked(mark, tenant, APPEND))
        appended = await store.append(
            Append(
                tenant_id=tenant,
                command_id=uuid4(),
                metadata=Metadata(actor=SYSTEM, correlation_id=mark),
                streams=(StreamEvents(contact, len(await store.load(tenant, contact)), (event,)),),
                occurred_at=now(),
            )
        )
        trial.note(Acked(mark, appended.position, contact))
    finally:
        for pool in pools:
            await pool.close()
