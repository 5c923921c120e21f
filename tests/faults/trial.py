"""One scenario carried out on an installation under load, and then the check of everything."""

import os
import random
import signal
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg
from msgspec import Struct

from projections.contacts.indexer import CHECKPOINT
from projections.registry import POSTGRES
from tests.faults import journal
from tests.faults.chance import chance
from tests.faults.check import check, proves
from tests.faults.checks.report import Report
from tests.faults.client import Client
from tests.faults.journal import Fault, History, Journal
from tests.faults.load import Load
from tests.faults.site import Shape, Site
from tests.waiting import PATIENCE

_SETTLING_SECONDS = 60.0
_LEVEL = """
SELECT count(*) = 0 FROM store.tenant_head h CROSS JOIN unnest(%s::text[]) AS p (name)
  LEFT JOIN read.checkpoint c ON c.tenant_id = h.tenant_id AND c.projection = p.name
 WHERE h.tenant_id = ANY(%s) AND c.position IS DISTINCT FROM h.position
"""

_HEADS = "SELECT tenant_id, position FROM store.tenant_head WHERE tenant_id = ANY(%s)"
_REACHED = """
SELECT count(*) = 0 FROM unnest(%s::uuid[], %s::bigint[]) AS h (tenant_id, position)
 WHERE coalesce((SELECT min(c.position) FROM read.checkpoint c WHERE c.tenant_id = h.tenant_id), 0) < h.position
"""


class Trial:
    """What a scenario works with. `rng` decides what is left to chance; `long` says that there is time."""

    def __init__(self, site: Site, load: Load, journal_: Journal, rng: random.Random, *, long: bool) -> None:
        self.site = site
        self.load = load
        self.rng = rng
        self.long = long
        self._journal = journal_

    def rounds(self, few: int, many: int) -> range:
        """How often to do something."""
        return range(many if self.long else few)

    def pause(self, most: float) -> None:
        """Wait for a random time, so that the next thing happens at a random moment."""
        time.sleep(self.rng.uniform(0, most))

    def did(self, what: str, to: str) -> None:
        """Note that something was done to the installation: it is counted."""
        self._journal.note(Fault(what, to))

    def kill(self, what: str) -> None:
        """SIGKILL a role or a server, once it runs."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(LookupError, ProcessLookupError, psutil.Error):
                os.kill(self.site.pid(what), signal.SIGKILL)
                self.did("killed", what)
                if what == "postgres":
                    self.site.wait_for_postgres()
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"there is no {what} to kill")
            time.sleep(0.05)

    @contextmanager
    def frozen(self, what: str) -> Iterator[None]:
        """SIGSTOP for as long as the block lasts."""
        with self.site.frozen(self.site.pid(what)):
            self.did("frozen", what)
            yield

    def read_models_reach_heads(self, tenants: Sequence[UUID], seconds: float = PATIENCE) -> None:
        """Wait until the read models of some tenants are where their logs end now.

        Raises:
            TimeoutError: they don't get there.
        """
        with psycopg.connect(self.site.dsn, autocommit=True) as connection:
            heads = connection.execute(_HEADS, (list(tenants),)).fetchall()
            ids, positions = [head[0] for head in heads], [head[1] for head in heads]
            deadline = time.monotonic() + seconds
            while connection.execute(_REACHED, (ids, positions)).fetchone() != (True,):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"read models are not at {positions} after {seconds:g} s")
                time.sleep(0.05)

    @contextmanager
    def client(self, number: int = 0) -> Iterator[Client]:
        """One more client of one of the load's tenants, for what a scenario writes itself."""
        with closing(Client(self.site.url, self.load.tenants[number], self._journal, "scenario")) as client:
            yield client

    def history(self) -> History:
        """What was asked and answered so far."""
        return journal.read(self._journal.path)

    def note(self, record: journal.Record) -> None:
        """Add to the journal."""
        self._journal.note(record)


class Scenario(Struct, frozen=True, kw_only=True):
    """One thing that can go wrong: the number that faults.md gives it, what is done, and what is shown by it.

    `quick` ones are part of `make test`. `unavailable` says why it can't be run here.
    """

    number: int
    name: str
    shows: str
    run: Callable[[Trial], None]
    shape: Shape = "plain"
    clients: int = 6
    quick: bool = False
    unavailable: Callable[[], str | None] = lambda: None


class Outcome(Struct):
    """What came of a scenario."""

    report: Report
    seconds: float
    journal: Path


class FaultError(AssertionError):
    """The installation did not come through; the message says all that was found."""


def repeat(scenario: Scenario, seed: object) -> str:
    """The command that does the same again."""
    return f"python -m tests.faults {scenario.number} --seed {seed}"


def carry_out(scenario: Scenario, site: Site, seed: object, *, long: bool) -> Outcome:
    """Run a scenario under load, wait until all is quiet, and check.

    Raises:
        FaultError: something was lost, doubled or mixed up, or nothing was shown.
    """
    started = time.monotonic()
    path = site.folder / f"{scenario.number}-{scenario.name.replace(' ', '-')}.jsonl"
    noted = Journal(path)
    rng = chance(seed, scenario.number, scenario.name)
    if site.idler.is_there():
        site.idler.begin(site.dsn)  # with what was written since
    try:
        with closing(Load(site.url, noted, f"{seed}/{scenario.number}", clients=scenario.clients)) as load:
            with load:
                load.until_acked(5)
                scenario.run(Trial(site, load, noted, rng, long=long))
            report = settled(site, load, path)
    except Exception as error:
        error.add_note(f"again: {repeat(scenario, seed)}   journal: {path}")
        raise
    finally:
        noted.close()
    if not site.idler.is_there():
        report.problems.append("the session that is idle in transaction was ended")
    if not proves(report):
        report.problems.append("nothing was acknowledged, or nothing was done to the installation")
    if report.problems:
        again = f"again: {repeat(scenario, seed)}   journal: {path}"
        shown = [textwrap.shorten(problem, 600) for problem in report.problems[:20]]
        raise FaultError("\n".join([report.counts(), again, f"{len(report.problems)} problems:", *shown]))
    return Outcome(report, time.monotonic() - started, path)


def settled(site: Site, load: Load, path: Path) -> Report:
    """Wait until the read models of the load's tenants are level with the log, then check them."""
    names = [projection.checkpoint for projection in POSTGRES]
    if site.shape == "search":
        names.append(CHECKPOINT)
    deadline = time.monotonic() + _SETTLING_SECONDS
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError), psycopg.connect(site.dsn) as connection:
            if connection.execute(_LEVEL, (names, load.ids)).fetchone() == (True,):
                break
        time.sleep(0.1)
    opensearch = f"http://{site.wayward.target[0]}:{site.wayward.target[1]}" if site.shape == "search" else None
    report = check(site.dsn, site.master, load.ids, history=journal.read(path), opensearch=opensearch)
    report.problems += _shown(site, load)
    return report


def _shown(site: Site, load: Load) -> Iterator[str]:
    """What the API lists beside what the read model has."""
    with psycopg.connect(site.dsn) as connection:
        for tenant in load.tenants:
            query = "SELECT id FROM read.contact_v1 WHERE tenant_id = %s AND deleted_at IS NULL"
            wanted = {str(row[0]) for row in connection.execute(query, (tenant.id,))}
            shown: list[Any] = [row["id"] for page in tenant.pages("/v1/contacts", limit=200) for row in page]
            if sorted(shown) != sorted(wanted):
                yield f"tenant {tenant.id}: the API lists {len(shown)} contacts, there are {len(wanted)}"
