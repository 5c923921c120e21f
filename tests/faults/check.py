"""Looks at a whole installation from the outside: is the log whole, and do the read models say what it says?

    python -m tests.faults.check DSN [--journal FILE] [--opensearch URL] [--level]

DSN is an administrator's; it only reads, also beside a running installation. The installation's secret comes as its
processes have it (RAPPORT_SECRET, RAPPORT_DATA); without one, personal data can't be compared, and that is said. With a
journal (tests.faults.load writes one), what clients were promised is checked too, and a journal in which nothing was
acknowledged, or nothing was done to the installation, is no proof of anything: that fails. `--level` has read models be
level with the log. Invariants 1 to 5 of the design.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg

from infra.event_store.codec import COLUMNS
from infra.keys.master import Master
from infra.local import running
from infra.wiring import master_of
from settings import from_environment
from tests.faults import journal
from tests.faults.checks import commands, search, walls, words
from tests.faults.checks.keys import finder
from tests.faults.checks.log import Log
from tests.faults.checks.models import Models
from tests.faults.checks.progress import Progress
from tests.faults.checks.report import Report
from tests.faults.journal import History

_EVENTS = f"""
SELECT {COLUMNS}, hash FROM store.event
 WHERE %(all)s OR tenant_id = ANY(%(tenants)s) ORDER BY tenant_id, position
"""
_HEADS = """
SELECT tenant_id, position, recorded_at, hash FROM store.tenant_head WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""
_KEPT = """
SELECT c.tenant_id, c.position, max(e.position) FROM store.command c
  JOIN store.event e ON e.tenant_id = c.tenant_id AND e.command_id = c.command_id
 WHERE %(all)s OR c.tenant_id = ANY(%(tenants)s) GROUP BY c.tenant_id, c.command_id, c.position
HAVING max(e.position) <> c.position
"""


def check(
    dsn: str,
    master: Master | None,
    tenants: Sequence[UUID] | None = None,
    *,
    history: History | None = None,
    opensearch: str | None = None,
    level: bool = True,
) -> Report:
    """Check all tenants, or some of them; `master` opens what is sealed in events.

    `history` is what was asked of the tenants in it; `level` has every read model be at the end of the log.

    Raises:
        psycopg.Error: the database can't be read.
        httpx.HTTPError: the index can't be.
    """
    report = Report()
    scope = {"all": tenants is None, "tenants": list(tenants or ())}
    with psycopg.connect(dsn) as connection:
        # One snapshot for all of it.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        progress = Progress(connection, scope)
        models = Models(report, progress, blind=master is None)
        find = finder(connection, master, tenants) if master else _blind
        log = Log(report, find, frozenset(history.tenants if history else ()))
        _read(connection, scope, log, models)
        _compare_log(connection, scope, log, report)
        models.compare(connection, scope)
        contacts = words.searchable(models)
        if master:
            report.problems += words.compare(connection, scope, contacts, progress)
            if opensearch:
                found = search.documents(opensearch, _incarnation(connection), tenants)
                report.documents = len(found)
                report.problems += search.compare(found, contacts, progress)
        else:
            report.notes.append("without the secret: personal data, and what is searched by, were not compared")
        report.problems += walls.compare(connection, scope, history)
    if history:
        commands.compare(log, history, report)
    if level:
        _level(log, progress, report)
    report.tenants, report.streams = len(log.heads), len(log.versions)
    report.events = sum(head.position for head in log.heads.values())
    report.commands, report.contacts, report.parked = len(log.commands), len(contacts), len(progress.parked)
    return report


def _blind(*_: object) -> None:
    """Without the secret every key is as good as destroyed: what is personal reads as blank."""


def _read(connection: psycopg.Connection[Any], scope: Mapping[str, Any], log: Log, models: Models) -> None:
    """Every event, in order, into what is folded from it."""
    with connection.cursor("events") as events:
        events.itersize = 5000
        for row in events.execute(_EVENTS, scope):
            if item := log.take(row):
                models.take(item)


def _incarnation(connection: psycopg.Connection[Any]) -> UUID:
    """The history that the index belongs to."""
    row = connection.execute("SELECT incarnation FROM ops.installation").fetchone()
    return UUID(str(row[0])) if row else UUID(int=0)


def _compare_log(connection: psycopg.Connection[Any], scope: Mapping[str, Any], log: Log, report: Report) -> None:
    """The heads beside the log, and the answers that are kept for keys."""
    heads = {tenant: rest for tenant, *rest in connection.execute(_HEADS, scope)}
    for tenant in log.heads.keys() | heads.keys():
        end = log.heads[tenant]
        if heads.get(tenant) != [end.position, end.recorded_at, end.hash]:
            report.problems.append(
                f"tenant {tenant}: the log ends at {end.position}, {end.recorded_at}, {end.hash.hex()[:16]};"
                f" its head says {heads.get(tenant)}"
            )
    for tenant, kept, last in connection.execute(_KEPT, scope):
        report.problems.append(f"tenant {tenant}: a key's answer is kept for position {kept}, its end is {last}")


def _level(log: Log, progress: Progress, report: Report) -> None:
    for (tenant, checkpoint), position in progress.checkpoints.items():
        head = log.heads[tenant].position
        if position != head:
            report.problems.append(f"tenant {tenant}: {checkpoint} is at {position}, the log at {head}")


def proves(report: Report) -> bool:
    """Whether a run under load has shown anything: it was harmed, and it has acknowledged something."""
    return bool(report.acked and report.events and sum(report.faults.values()))


def _answers(url: str | None) -> bool:
    if not url:
        return False
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.check", description="Checks an installation.")
    parser.add_argument("dsn", help="an administrator's DSN of its database")
    parser.add_argument("--journal", type=Path, help="what tests.faults.load has noted")
    parser.add_argument("--opensearch", help="URL of its OpenSearch, where it has one")
    parser.add_argument("--level", action="store_true", help="read models must be level with the log")
    asked = parser.parse_args(arguments)
    settings = running(from_environment(os.environ))
    has_secret = bool(settings.secret) or (settings.data / "secrets" / "root").exists()
    history = journal.read(asked.journal) if asked.journal else None
    index = asked.opensearch or (settings.opensearch_url if _answers(settings.opensearch_url) else None)
    try:
        outcome = check(
            asked.dsn,
            master_of(settings) if has_secret else None,
            history=history,
            opensearch=index,
            level=asked.level,
        )
    except (psycopg.Error, httpx.HTTPError) as error:
        print(f"can't be checked: {error}")  # noqa: T201
        return 1
    if not index:
        outcome.notes.append("OpenSearch is not there: its index was not compared")
    print(outcome)  # noqa: T201  what it is for
    if history and not proves(outcome):
        print("This proves nothing: nothing was acknowledged, or nothing was done to it.")  # noqa: T201
        return 1
    return 1 if outcome.problems or not outcome.events else 0


if __name__ == "__main__":
    sys.exit(main())
