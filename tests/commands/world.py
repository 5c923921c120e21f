"""A store in memory, a handler on it, and others who write at the worst moment."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from commands.contacts.input import ChangeContact, DeleteContact, RegisterContact
from commands.decision import Context, KeyOf
from commands.handle import Handler, Outcome
from commands.ports import Append, Appended
from commands.registry import CHANGE_CONTACT, DELETE_CONTACT, REGISTER_CONTACT
from domain.contact import Contact
from domain.errors import DomainError, FieldError
from domain.event import Actor, Event, Metadata, Recorded
from infra import clock
from infra.event_store.finder import find
from infra.event_store.memory import MemoryEventStore
from tests.given import CALLER, TENANT, delete


class Meddled(MemoryEventStore):
    """A store on which others write between our load and our append: as often as told."""

    def __init__(self) -> None:
        super().__init__(clock.now)
        self.before_append: Callable[[], Any] | None = None
        self.times = 0

    async def append(self, append: Append) -> Appended:
        if self.before_append and self.times:
            self.times -= 1
            meddle, self.before_append = self.before_append, None
            await meddle()
            self.before_append = meddle
        return await super().append(append)


class World:
    """A store, a handler on it, and a contact."""

    def __init__(self) -> None:
        self.store = Meddled()
        self.handler = Handler(self.store, clock.now, clock.new_id, find(self.store))

    async def log(self) -> Sequence[Recorded[Event]]:
        return await self.store.read(TENANT, after=0, limit=1000)

    async def topics(self) -> list[str]:
        return [item.event.TOPIC for item in await self.log()]

    async def register(self, command: RegisterContact, context: Context | None = None) -> Outcome[Contact]:
        return await self.handler.handle(context or by(CALLER), REGISTER_CONTACT, lambda: (command, ()))

    async def change(
        self,
        contact_id: UUID,
        command: ChangeContact,
        context: Context | None = None,
        if_match: frozenset[int] | None = None,
    ) -> Outcome[Contact]:
        return await self.handler.handle(
            context or by(CALLER), CHANGE_CONTACT, lambda: (command, ()), stream_id=contact_id, if_match=if_match
        )

    async def delete(self, contact_id: UUID, context: Context | None = None) -> Outcome[Contact]:
        read: Callable[[], tuple[DeleteContact, Sequence[FieldError]]] = lambda: (delete(), ())  # noqa: E731
        return await self.handler.handle(context or by(CALLER), DELETE_CONTACT, read, stream_id=contact_id)


def by(user: UUID, *, tenant: UUID = TENANT, key: str | None = None, body: str = "", dry_run: bool = False) -> Context:
    """Who asks, and how."""
    return Context(
        tenant_id=tenant,
        metadata=Metadata(actor=Actor("user", user), correlation_id="c"),
        key=KeyOf(key.encode(), body.encode()) if key else None,
        dry_run=dry_run,
    )


async def refused(work: Awaitable[Any]) -> DomainError:
    """The refusal of work that must be refused."""
    with pytest.raises(DomainError) as refusal:
        await work
    return refusal.value
