"""Looks at a whole installation from the outside: is the log dense, and do the read models say what it says?

`python -m tests.faults.check DSN` with an administrator's DSN; it only reads. Invariants 1 and 3 of the design.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct

from domain import contact as domain
from domain.company import CompanyRegistered
from domain.contact import Contact
from domain.event import decode
from domain.user import UserRegistered
from projections import contact as rows

_EVENTS = """
SELECT tenant_id, position, stream_id, version, topic, data, recorded_at, command_id
  FROM store.event WHERE %(all)s OR tenant_id = ANY(%(tenants)s) ORDER BY tenant_id, position
"""
_CONTACTS = """
SELECT tenant_id, position, sort_name, to_jsonb(c)::text
  FROM read.contact_v1 c WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""
_NAMES = "SELECT tenant_id, id, name FROM read.{} WHERE %(all)s OR tenant_id = ANY(%(tenants)s)"
_HEADS = "SELECT tenant_id, position, recorded_at FROM store.tenant_head WHERE %(all)s OR tenant_id = ANY(%(tenants)s)"
_BEHIND = """
SELECT h.tenant_id, c.projection, c.position, h.position FROM read.checkpoint c
  LEFT JOIN store.tenant_head h USING (tenant_id)
 WHERE c.position <> coalesce(h.position, 0) AND (%(all)s OR tenant_id = ANY(%(tenants)s))
"""
_FOLDED = frozenset(kind.TOPIC for kind in domain.EVENTS)
_contact = msgspec.json.Decoder(Contact)

Key = tuple[UUID, UUID]


class Report(Struct):
    """What was counted, and what was wrong; nothing, when all is well."""

    tenants: int = 0
    streams: int = 0
    events: int = 0
    commands: int = 0
    contacts: int = 0
    problems: list[str] = []

    def __str__(self) -> str:
        counted = ", ".join(f"{getattr(self, name)} {name}" for name in self.__struct_fields__[:-1])
        return "\n".join([counted, *self.problems])


class _Fold:
    """What the log says, event by event."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.heads: dict[UUID, tuple[int, Any]] = {}
        self.versions: dict[Key, int] = defaultdict(int)
        self.contacts: dict[Key, tuple[Contact, int]] = {}
        self.names: dict[str, dict[Key, str]] = {"company_v1": {}, "user_v1": {}}
        self.commands: set[Key] = set()

    def take(self, row: Sequence[Any]) -> None:
        tenant, position, stream, version, topic, data, recorded_at, command = row
        before, at = self.heads.get(tenant, (0, recorded_at))
        if position != before + 1:
            self._report.problems.append(f"tenant {tenant}: position {position} follows {before}")
        if recorded_at < at:
            self._report.problems.append(f"tenant {tenant}: position {position} was recorded before {before}")
        if version != self.versions[tenant, stream] + 1:
            self._report.problems.append(f"stream {stream}: version {version} follows {self.versions[tenant, stream]}")
        self.heads[tenant] = (position, recorded_at)
        self.versions[tenant, stream] = version
        self.commands.add((tenant, command))
        event = decode(topic, data)
        if topic in _FOLDED:
            state = self.contacts[tenant, stream][0] if (tenant, stream) in self.contacts else None
            try:
                state = domain.evolve(state, event, stream_id=stream, at=recorded_at)
            except TypeError as error:
                self._report.problems.append(f"tenant {tenant}: position {position} can't be folded: {error}")
            else:
                self.contacts[tenant, stream] = (state, position)
        elif isinstance(event, CompanyRegistered):
            self.names["company_v1"][tenant, stream] = event.name
        elif isinstance(event, UserRegistered):
            self.names["user_v1"][tenant, stream] = event.name


def check(dsn: str, tenants: Sequence[UUID] | None = None) -> Report:
    """Check all tenants, or some of them.

    Raises:
        psycopg.Error: the database can't be read.
    """
    report = Report(problems=[])
    fold = _Fold(report)
    scope = {"all": tenants is None, "tenants": list(tenants or ())}
    with psycopg.connect(dsn) as connection:
        # One snapshot for all of it.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        with connection.cursor("events") as events:
            events.itersize = 5000
            for row in events.execute(_EVENTS, scope):
                fold.take(row)
        report.problems += _heads(fold, connection.execute(_HEADS, scope).fetchall())
        report.problems += _contacts(fold, connection.execute(_CONTACTS, scope).fetchall())
        for table, names in fold.names.items():
            found = connection.execute(_NAMES.format(table).encode(), scope).fetchall()
            report.problems += _names(table, names, found)
        for tenant, projection, position, head in connection.execute(_BEHIND, scope).fetchall():
            report.problems.append(f"tenant {tenant}: {projection} is at {position}, the log at {head}")
    report.tenants, report.streams = len(fold.heads), len(fold.versions)
    report.events = sum(position for position, _ in fold.heads.values())
    report.commands, report.contacts = len(fold.commands), len(fold.contacts)
    return report


def _heads(fold: _Fold, found: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    heads = {tenant: (position, at) for tenant, position, at in found}
    for tenant in fold.heads.keys() | heads.keys():
        if fold.heads.get(tenant) != heads.get(tenant):
            yield f"tenant {tenant}: the log ends at {fold.heads.get(tenant)}, its head says {heads.get(tenant)}"


def _contacts(fold: _Fold, found: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    shown: dict[Key, tuple[Contact, int, str]] = {}
    for tenant, position, sort_name, text in found:
        contact = _contact.decode(text)
        shown[tenant, contact.id] = (contact, position, sort_name)
    for tenant, stream in shown.keys() | fold.contacts.keys():
        said, row = fold.contacts.get((tenant, stream)), shown.get((tenant, stream))
        wanted = (*said, rows.sort_name(said[0])) if said else None
        if wanted != row:
            yield f"contact {stream} of tenant {tenant}: the log says {wanted}, the read model {row}"


def _names(table: str, wanted: dict[Key, str], found: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    shown = {(tenant, each): name for tenant, each, name in found}
    for key in shown.keys() | wanted.keys():
        if wanted.get(key) != shown.get(key):
            yield f"{table} {key}: the log says {wanted.get(key)}, the read model {shown.get(key)}"


if __name__ == "__main__":
    outcome = check(sys.argv[1])
    print(outcome)  # noqa: T201  what it is for
    sys.exit(1 if outcome.problems or not outcome.events else 0)
