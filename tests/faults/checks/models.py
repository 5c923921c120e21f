"""The read models in Postgres beside a fresh fold of the log, each up to where it says it is."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct, structs

from domain import company as domain_company
from domain import contact as domain_contact
from domain import user as domain_user
from domain.company import Company
from domain.contact import Contact
from domain.event import Event, Recorded
from projections.companies import company
from projections.contacts import contact
from projections.contacts import past as contact_past
from projections.identity import user
from projections.projection import Projection
from tests.faults.checks.families import Families
from tests.faults.checks.log import Key
from tests.faults.checks.progress import Progress
from tests.faults.checks.report import Report

_ROWS = "SELECT tenant_id, to_jsonb(t)::text FROM read.{} t WHERE %(all)s OR tenant_id = ANY(%(tenants)s)"
_PERSONAL = domain_contact.ContactRegistered.PERSONAL
_BLANKS = {f.name: msgspec.convert(_PERSONAL[f.name], f.type) for f in structs.fields(Contact) if f.name in _PERSONAL}

_NOT_IN_ROWS: dict[str, Any] = {"merged_into": None, "merged_from": (), "former_ids": ()}
"""What only the log knows of a contact; contact_family_v1 has the links."""


S = TypeVar("S")


class Named(Struct, frozen=True):
    """A row of a user."""

    id: UUID
    version: int
    name: str
    created_at: datetime
    updated_at: datetime


class Place(Struct, frozen=True):
    """Where a contact stands: of contact_v1 the position, of contact_past_v1 the positions from and until."""

    position: int | None = None
    since: int | None = None
    until: int | None = None
    sort_name: str = ""


class Fold:
    """One kind of record, folded as far as its read model says it is."""

    def __init__(self, projection: Projection, evolve: Callable[..., Any], progress: Progress) -> None:
        self.checkpoint = projection.checkpoint
        self._topics = projection.topics
        self._evolve = evolve
        self._progress = progress
        self.states: dict[Key, tuple[Any, int]] = {}
        self.past: dict[tuple[UUID, UUID, int], tuple[Any, int | None]] = {}
        self.remembers = False

    def take(self, item: Recorded[Event]) -> str | None:
        """Fold an event; what is wrong with it."""
        if item.event.TOPIC not in self._topics or not self._progress.includes(self.checkpoint, item):
            return None
        key = (item.tenant_id, item.stream_id)
        before, since = self.states.get(key, (None, 0))
        try:
            state = self._evolve(before, item.event, stream_id=item.stream_id, at=item.recorded_at)
        except TypeError as error:
            return f"tenant {item.tenant_id}: position {item.position} can't be folded: {error}"
        # What was skipped counts: a version is the stream's.
        state = structs.replace(state, version=item.version)
        self.states[key] = (state, item.position)
        if self.remembers:
            if before is not None:
                self.past[*key, since] = (before, item.position)
            self.past[*key, item.position] = (state, None)
        return None


class Models:
    """All read models in Postgres but the words to search by. `blind`: without keys, only what is not personal."""

    def __init__(self, report: Report, progress: Progress, *, blind: bool) -> None:
        self._report = report
        self._blind = blind
        self.contacts = Fold(contact.PROJECTION, domain_contact.evolve, progress)
        self.companies = Fold(company.PROJECTION, domain_company.evolve, progress)
        self._users = Fold(user.PROJECTION, domain_user.evolve, progress)
        self._past = Fold(contact_past.PROJECTION, domain_contact.evolve, progress)
        self._past.remembers = True
        self._families = Families(progress)

    def take(self, item: Recorded[Event]) -> None:
        """Fold an event into each."""
        kind = item.event.TOPIC.partition(".")[0]
        folds = {"contact": (self.contacts, self._past), "company": (self.companies,), "user": (self._users,)}
        self._families.take(item)
        for fold in folds.get(kind, ()):
            if wrong := fold.take(item):
                self._report.problems.append(wrong)

    def compare(self, connection: psycopg.Connection[Any], scope: Mapping[str, Any]) -> None:
        """Report every row that says something else than the log."""
        problems = self._report.problems
        rows = _rows(connection, contact.PROJECTION.tables[0], scope, Contact)
        shown: dict[Any, Any] = {(tenant, state.id): self._seen(state, place) for tenant, state, place in rows}
        wanted: dict[Any, Any] = {
            key: self._seen(state, Place(position=position, sort_name=contact.sort_name(state)))
            for key, (state, position) in self.contacts.states.items()
        }
        problems += _differences("contact", wanted, shown)
        past = _rows(connection, contact_past.PROJECTION.tables[0], scope, Contact)
        shown = {(tenant, state.id, place.since): self._seen(state, place) for tenant, state, place in past}
        wanted = {
            (*key, since): self._seen(state, Place(since=since, until=until, sort_name=contact.sort_name(state)))
            for (*key, since), (state, until) in self._past.past.items()
        }
        problems += _differences("past of contact", wanted, shown)
        problems += _differences("merge of contact", *self._families.compared(connection, scope))
        problems += _differences("company", *self._companies(connection, scope))
        problems += _differences("user", *_named(self._users, user.PROJECTION, connection, scope, blind=self._blind))

    def _companies(self, connection: psycopg.Connection[Any], scope: Mapping[str, Any]) -> tuple[Any, Any]:
        rows = _rows(connection, company.PROJECTION.tables[0], scope, Company)
        wanted = {
            key: (state, Place(position=position, sort_name=state.name.casefold()))
            for key, (state, position) in self.companies.states.items()
        }
        return wanted, {(tenant, state.id): (state, place) for tenant, state, place in rows}

    def _seen(self, state: Contact, place: Place) -> tuple[Contact, Place]:
        state = structs.replace(state, **_NOT_IN_ROWS)
        if not self._blind:
            return state, place
        return structs.replace(state, **_BLANKS), structs.replace(place, sort_name="")


def _rows(
    connection: psycopg.Connection[Any], table: str, scope: Mapping[str, Any], kind: type[S]
) -> Iterator[tuple[UUID, S, Place]]:
    for tenant, text in connection.execute(_ROWS.format(table).encode(), scope):
        yield tenant, msgspec.json.decode(text, type=kind), msgspec.json.decode(text, type=Place)


def _named(
    fold: Fold,
    projection: Projection,
    connection: psycopg.Connection[Any],
    scope: Mapping[str, Any],
    *,
    blind: bool = False,
) -> tuple[dict[Key, Named], dict[Key, Named]]:
    """Users as the log has them, and as the read model does."""
    wanted = {
        key: Named(state.id, state.version, "" if blind else state.name, state.created_at, state.updated_at)
        for key, (state, _) in fold.states.items()
    }
    shown = {}
    for tenant, text in connection.execute(_ROWS.format(projection.tables[0]).encode(), scope):
        row = msgspec.json.decode(text, type=Named)
        shown[tenant, row.id] = structs.replace(row, name="") if blind else row
    return wanted, shown


def _differences(what: str, wanted: Mapping[Any, Any], shown: Mapping[Any, Any]) -> Iterator[str]:
    for key in shown.keys() | wanted.keys():
        if wanted.get(key) != shown.get(key):
            name = " ".join(map(str, key))
            yield f"{what} {name} (tenant, id): the log says {wanted.get(key)}, the read model {shown.get(key)}"
