"""Faults 2 and 3: connections that break during a commit, and an append that is held open."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from domain.company import CompanyRegistered
from domain.event import SYSTEM, Metadata
from infra.clock import now
from tests.faults.checks.commands import APPEND
from tests.faults.journal import Acked, Asked, Refused
from tests.faults.trial import Trial

_WITHOUT_A_BREAK = 0.0
_OFTEN = 0.6


def cut_during_commit(trial: Trial) -> None:
    """The connection breaks when an append has been sent: before it arrives, in its answer, after it. Often enough that
    the tries of one process are used up, and clients have to ask again under the same key."""
    wire = trial.site.postgres_wire
    for _ in trial.rounds(2, 5):
        wire.chance = _OFTEN
        trial.load.until_acked(40)
        wire.chance = _WITHOUT_A_BREAK
        trial.load.until_acked(40)
        wire.hang_up()
    for way, count in wire.cuts.items():
        for _ in range(count):
            trial.did("cut", way)
    lost = {"answer lost", "answer broken"} & wire.cuts.keys()
    assert lost, "no answer of a commit was lost"
    assert trial.load.repeats > 0, "no client had to ask again"


def append_held_open(trial: Trial) -> None:
    """An append of one tenant is held open before its commit: other tenants' commands and read models go on, its own
    commands wait. Then it is committed, or undone. Readers skip nothing: neither its events nor those after them."""
    held, *others = trial.load.ids
    for number in trial.rounds(4, 12):
        mark, stream = f"mark-{uuid4().hex}", uuid4()
        with psycopg.connect(trial.site.dsn) as connection:
            trial.note(Asked(mark, held, APPEND, None if number % 2 else "undone"))
            position = _append(connection, held, stream, mark)
            trial.did("held open", "an append")
            trial.load.until_acked(15)
            trial.pause(1.0)
            trial.read_models_reach_heads(others)
            if number % 2:
                connection.commit()
                trial.note(Acked(mark, position, stream))
            else:
                connection.rollback()
                trial.note(Refused(mark, "undone"))
    trial.load.until_acked(30)


def _append(connection: psycopg.Connection[Any], tenant: UUID, stream: UUID, mark: str) -> int:
    """An append in the transaction of this connection; answers the position that it gets."""
    metadata = Metadata(actor=SYSTEM, correlation_id=mark)
    event = {
        "a": 1,
        "stream": stream,
        "version": 1,
        "first": True,
        "topic": CompanyRegistered.TOPIC,
        "data": msgspec.json.encode(CompanyRegistered(name=mark)).decode(),
        "metadata": msgspec.json.encode(metadata).decode(),
        "occurred_at": now(),
    }
    batch = msgspec.json.encode({"appends": [{"tenant": tenant, "command": uuid4()}], "events": [event]})
    row = connection.execute("SELECT outcome, last_position FROM store.append(%s::jsonb)", (batch.decode(),)).fetchone()
    assert row, "no answer"
    assert row[0] == "ok", row
    return int(row[1])
