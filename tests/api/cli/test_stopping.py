"""A first start that is asked to stop while it loads the demo data stops then, and the next one goes on."""

import subprocess
import sys
from pathlib import Path

from api.cli import demo
from infra.clock import new_id, now
from infra.event_store.memory import MemoryEventStore
from tests.api.cli.loading import SMALL, PlainPasswords, registered

ROOT = Path(__file__).parents[3]

_UP = """
import atexit, os, signal, sys
from contextlib import asynccontextmanager
from types import SimpleNamespace
from api.cli.main import run
from infra.clock import new_id, now
from infra.event_store.memory import MemoryEventStore
from tests.api.cli.loading import PlainPasswords

class Store(MemoryEventStore):
    appends = 0

    async def append(self, append):
        self.appends += 1
        if self.appends == 4:
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        return await super().append(append)

store = Store(now)
atexit.register(lambda: print("appends", store.appends))

@asynccontextmanager
async def writing():
    yield SimpleNamespace(store=store, passwords=PlainPasswords())

nothing = lambda *_, **__: None
installation = SimpleNamespace(ready=lambda: {"url": "http://tests"}, watch=nothing, stop=lambda: print("stopped"))
run(SimpleNamespace(start=lambda **_: installation, writing=writing, clock=now, new_id=new_id), ["up", *sys.argv[2:]])
"""


def up(*words: str) -> tuple[list[str], str]:
    """What `rapport up` writes to standard output and says beside it when a signal comes in its fourth append."""
    command = [sys.executable, "-c", _UP, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines(), done.stderr


def test_either_signal_is_heeded_between_two_batches() -> None:
    told, said = up("SIGTERM")
    assert told == ["stopped", "appends 4"]
    assert "The next start goes on with the demo data" in said
    assert up("SIGINT", "--json")[0] == ["stopped", "appends 4"]


async def test_what_was_loaded_stays_and_the_rest_follows() -> None:
    store, told = MemoryEventStore(now), list[int]()

    def stopped() -> bool:
        return sum(told) >= 200

    tenant_id = await demo.load(SMALL, store, PlainPasswords(), now, new_id, told.append, stopped)
    assert tenant_id is not None
    assert len(await registered(store, tenant_id)) == 200
    assert await demo.load(SMALL, store, PlainPasswords(), now, new_id) == tenant_id
    assert len(await registered(store, tenant_id)) == len(SMALL.contacts)
