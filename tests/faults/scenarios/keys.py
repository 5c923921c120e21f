"""Fault 10: the destruction of a person's keys, which is the person's erasure, interrupted at every step."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from psycopg import sql

from tests.faults.checks import walls
from tests.faults.client import Client
from tests.faults.trial import Trial

_DESTROY = "SELECT store.destroy_keys(%s, %s)"
_KEYS = """
SELECT count(*) FILTER (WHERE wrapped IS NOT NULL), count(*),
       EXISTS (SELECT FROM store.erased_subject WHERE tenant_id = %(tenant)s AND subject = %(subject)s)
  FROM store.data_key WHERE tenant_id = %(tenant)s AND subject = %(subject)s
"""
_WAITING = "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
_MODELS = ("contact", "contact_past")

Interrupt = Callable[[Trial, UUID, UUID], None]


def destruction_interrupted(trial: Trial) -> None:
    """Somebody goes on writing about the person all the time. After every interruption all keys are there or none;
    asked again, it is done; then nothing in the read models is left of the person, and the chain still holds."""
    tenant = trial.load.ids[0]
    steps: list[tuple[Interrupt, bool]] = [
        (_ended_while_it_waits, True),
        (_connection_lost_before_the_commit, True),
        (_postgres_killed_before_the_commit, True),
        (_postgres_killed_after_the_commit, False),
    ]
    trial.rng.shuffle(steps)
    erased = []
    with trial.client() as client:
        for interrupt, is_whole in steps:
            person = client.write("add")
            assert person
            with _written_about(client, person):
                interrupt(trial, tenant, person)
                kept, count, noted = _keys(trial, tenant, person)
                assert (kept, noted) == ((count, False) if is_whole else (0, True)), (interrupt.__name__, kept, count)
                with psycopg.connect(trial.site.dsn) as connection:
                    connection.execute(_DESTROY, (tenant, person))
            kept, count, noted = _keys(trial, tenant, person)
            assert (kept, noted) == (0, True), (interrupt.__name__, kept, count)
            assert count > 0
            erased.append(person)
    _purge(trial, tenant, erased)
    trial.load.until_acked(20)
    assert list(_remains(trial, erased)) == []
    trial.site.carried_out("events", "verify", "--tenant", str(tenant))


def _ended_while_it_waits(trial: Trial, tenant: UUID, person: UUID) -> None:
    """For the tenant's head, which an append holds."""
    with psycopg.connect(trial.site.dsn) as holder, psycopg.connect(trial.site.dsn) as connection:
        holder.execute("SELECT FROM store.tenant_head WHERE tenant_id = %s FOR UPDATE", (tenant,))
        failed: list[psycopg.Error] = []

        def destroy() -> None:
            try:
                connection.execute(_DESTROY, (tenant, person))
            except psycopg.Error as error:
                failed.append(error)

        thread = threading.Thread(target=destroy)
        thread.start()
        with psycopg.connect(trial.site.dsn, autocommit=True) as other:
            while other.execute(_WAITING, (connection.info.backend_pid,)).fetchone() != (True,):
                time.sleep(0.01)
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        thread.join()
        assert failed
    trial.did("ended", "a session")


def _connection_lost_before_the_commit(trial: Trial, tenant: UUID, person: UUID) -> None:
    connection = psycopg.connect(trial.site.dsn)
    connection.execute(_DESTROY, (tenant, person))
    connection.close()
    trial.did("ended", "a session")


def _postgres_killed_before_the_commit(trial: Trial, tenant: UUID, person: UUID) -> None:
    connection = psycopg.connect(trial.site.dsn)
    connection.execute(_DESTROY, (tenant, person))
    trial.kill("postgres")
    connection.close()


def _postgres_killed_after_the_commit(trial: Trial, tenant: UUID, person: UUID) -> None:
    with psycopg.connect(trial.site.dsn) as connection:
        connection.execute(_DESTROY, (tenant, person))
    trial.kill("postgres")


@contextmanager
def _written_about(client: Client, person: UUID) -> Iterator[None]:
    """Somebody goes on changing a contact for as long as the block lasts, whether that is possible or not."""
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(0.05):
            client.change(person)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keys(trial: Trial, tenant: UUID, person: UUID) -> tuple[int, int, bool]:
    """How many keys of a person can be used, how many there are, and whether the person is noted as erased."""
    with psycopg.connect(trial.site.dsn) as connection:
        row = connection.execute(_KEYS, {"tenant": tenant, "subject": person}).fetchone()
    assert row
    return row


def _purge(trial: Trial, tenant: UUID, people: list[UUID]) -> None:
    """The read models without these people: their rows are built anew, which is killed in the midst of it, and done
    again. What they were searched by goes with the rows."""
    of_tenant = ("--tenant", str(tenant), "--stream")
    process = trial.site.rapport("projections", "rebuild", _MODELS[0], *of_tenant, str(people[0]))
    trial.pause(2.0)
    process.kill()
    process.communicate()
    trial.did("killed", "a rebuild")
    for name in _MODELS:
        for person in people:
            trial.site.carried_out("projections", "rebuild", name, *of_tenant, str(person))
    trial.read_models_reach_heads([tenant])


def _remains(trial: Trial, people: list[UUID]) -> list[str]:
    """Where something personal of these people can still be read."""
    found = []
    with psycopg.connect(trial.site.dsn) as connection:
        for schema, table in walls.tables(connection):
            if (schema, table) != ("store", "event"):  # which is sealed, but for the mark that its command came under
                query = sql.SQL("SELECT t::text FROM {} t WHERE t::text LIKE ANY(%s) AND t::text LIKE %s")
                rows = connection.execute(
                    query.format(sql.Identifier(schema, table)), ([f"%{person}%" for person in people], "%mark-%")
                )
                found += [f"{table}: {row[0]}" for row in rows]
    return found
