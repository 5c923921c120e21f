"""Searches with contacts in them: the same people in memory, in Postgres and in OpenSearch."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct

from domain import contact as domain
from domain.company import CompanyRegistered
from domain.contact import Contact, ContactChanged, ContactDeleted, ContactRegistered, Email, Name, Phone
from domain.event import SYSTEM, Event, Metadata, Recorded
from infra.postgres import TenantConnections
from infra.search.memory import MemoryContactSearch
from infra.search.opensearch_index import OpenSearchContactIndex
from projections.companies import company
from projections.contacts import contact
from projections.contacts import rows as contact_rows
from projections.contacts import words as contact_words
from projections.contacts.search import ContactSearch
from projections.folding import json_text

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Person(Struct, frozen=True):
    """Someone to be found."""

    name: str
    email: str | None
    company: str | None
    title: str | None
    phone: str | None
    owner: UUID | None
    custom: dict[str, Any] = {}


def person(
    name: str,
    *,
    email: str | None = None,
    company: str | None = None,
    title: str | None = None,
    phone: str | None = None,
    owner: UUID | None = None,
    custom: dict[str, Any] | None = None,
) -> Person:
    return Person(name, email, company, title, phone, owner, custom or {})


class World:
    """A search, and the ways in which contacts get into it."""

    def __init__(self, search: ContactSearch) -> None:
        self.search = search
        self._names: dict[UUID, str] = {}
        self._positions: dict[UUID, int] = defaultdict(int)
        self._versions: dict[UUID, int] = defaultdict(int)

    def name_of(self, contact_id: UUID) -> str:
        return self._names[contact_id]

    async def given(self, tenant_id: UUID, *people: Person) -> list[UUID]:
        ids, events = [], []
        for someone in people:
            contact_id, company_id = uuid4(), uuid4() if someone.company else None
            if company_id and someone.company:
                events.append(self._recorded(tenant_id, company_id, CompanyRegistered(name=someone.company)))
            events.append(self._recorded(tenant_id, contact_id, _registered(someone, company_id)))
            self._names[contact_id] = someone.name
            ids.append(contact_id)
        await self.take_in(tenant_id, events)
        return ids

    async def deleted(self, tenant_id: UUID, contact_id: UUID) -> None:
        await self.take_in(tenant_id, [self._recorded(tenant_id, contact_id, ContactDeleted())])

    async def renamed(self, tenant_id: UUID, contact_id: UUID, name: str) -> None:
        changed = ContactChanged(name=Name(display=name))
        self._names[contact_id] = name
        await self.take_in(tenant_id, [self._recorded(tenant_id, contact_id, changed)])

    async def given_to(self, tenant_id: UUID, contact_id: UUID, owner_id: UUID | None) -> None:
        changed = ContactChanged(owner_id=owner_id)
        await self.take_in(tenant_id, [self._recorded(tenant_id, contact_id, changed)])

    async def take_in(self, tenant_id: UUID, events: Sequence[Recorded[Event]]) -> None:
        raise NotImplementedError

    def _recorded(self, tenant_id: UUID, stream_id: UUID, event: Event) -> Recorded[Event]:
        self._positions[tenant_id] += 1
        self._versions[stream_id] += 1
        return Recorded(
            tenant_id=tenant_id, position=self._positions[tenant_id], stream_id=stream_id,
            version=self._versions[stream_id], event=event, metadata=Metadata(actor=SYSTEM, correlation_id="test"),
            command_id=uuid4(), occurred_at=NOW, recorded_at=NOW,
        )  # fmt: skip


class MemoryWorld(World):
    """Contacts folded here."""

    def __init__(self, search: MemoryContactSearch) -> None:
        super().__init__(search)
        self._memory = search
        self._contacts: dict[UUID, Contact] = {}
        self._companies: dict[UUID, str] = {}

    async def take_in(self, tenant_id: UUID, events: Sequence[Recorded[Event]]) -> None:
        for item in events:
            if isinstance(item.event, CompanyRegistered):
                self._companies[item.stream_id] = item.event.name
                continue
            before = self._contacts.get(item.stream_id)
            now = domain.evolve(before, item.event, stream_id=item.stream_id, at=NOW)
            self._contacts[item.stream_id] = now
            employer = self._companies.get(now.company_id) if now.company_id else None
            row = (
                now.id, item.position, json_text(now.name), json_text(now.emails), json_text(now.phones), now.title,
                employer, now.owner_id, now.deleted_at is not None, now.company_id, now.tags, now.lifecycle,
                now.created_at, now.updated_at, json_text(now.custom),
            )  # fmt: skip
            self._memory.write(tenant_id, [contact_rows.searchable(row)])


class PostgresWorld(World):
    """Contacts in the read models."""

    def __init__(self, search: ContactSearch, projector: TenantConnections) -> None:
        super().__init__(search)
        self._projector = projector

    async def take_in(self, tenant_id: UUID, events: Sequence[Recorded[Event]]) -> None:
        async with self._projector.of(tenant_id) as connection:
            for projection in (company.PROJECTION, contact.PROJECTION, contact_words.PROJECTION):
                mine = [item for item in events if item.event.TOPIC in projection.topics]
                if mine:
                    await projection.apply(connection, mine)


class OpenSearchWorld(PostgresWorld):
    """Contacts in the read models, and from there in the index."""

    def __init__(self, search: ContactSearch, projector: TenantConnections, index: OpenSearchContactIndex) -> None:
        super().__init__(search, projector)
        self._index = index

    async def take_in(self, tenant_id: UUID, events: Sequence[Recorded[Event]]) -> None:
        await super().take_in(tenant_id, events)
        async with self._projector.of(tenant_id) as connection:
            contacts = await contact_rows.by_id(connection, tenant_id, [item.stream_id for item in events])
        await self._index.write(tenant_id, contacts)
        await self._index.refresh()


def _registered(someone: Person, company_id: UUID | None) -> ContactRegistered:
    return ContactRegistered(
        name=Name(display=someone.name),
        emails=(Email(value=someone.email, primary=True),) if someone.email else (),
        phones=(Phone(value=someone.phone, primary=True),) if someone.phone else (),
        title=someone.title,
        company_id=company_id,
        owner_id=someone.owner,
        custom=someone.custom,
    )
