"""Merges pairs of contacts that are surely one person, where a tenant's rules say that nobody need be asked."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import structlog
from msgspec import Struct

from commands.contacts.matching import DismissPair
from commands.contacts.merge import MergeContact
from commands.contacts.merging import Merging
from commands.decision import Context
from commands.handle import Handler
from commands.ports import EventStore, NewId
from commands.registry import DISMISS_DUPLICATES, MERGE_CONTACT
from commands.visible import View
from domain.contact import ContactUnmerged
from domain.errors import DomainError
from domain.event import SYSTEM, Metadata

_EVERYTHING = View({})

_log = structlog.get_logger()


class Sure(Struct, frozen=True):
    """Two contacts that are to be one, and the id that the pair is told under."""

    tenant_id: UUID
    pair_id: UUID
    contact_ids: tuple[UUID, UUID]


class SurePairs(Protocol):
    """Pairs that are to be merged by themselves, under the rules that they were scored by."""

    async def some(self) -> Sequence[Sure]:
        """Some of them, of every tenant that has any; the same again until they are merged or dismissed."""
        ...


class AutoMerge:
    """Merges what is sure, as the system, into the contact that was there first."""

    def __init__(self, pairs: SurePairs, handler: Handler, store: EventStore, new_id: NewId) -> None:
        self._pairs = pairs
        self._handler = handler
        self._store = store
        self._new_id = new_id

    async def turn(self) -> int:
        """Merge some; returns how many. One that can't be merged is left for people to see.

        Raises:
            StoreUnavailableError: the store can't be reached.
        """
        done = 0
        for sure in await self._pairs.some():
            try:
                done += await self._merge(sure)
            except DomainError as refused:
                _log.info("duplicates.not_merged", tenant_id=str(sure.tenant_id), code=refused.code)
        return done

    async def _merge(self, sure: Sure) -> bool:
        into_id, from_id = sorted(sure.contact_ids)
        correlation_id = f"duplicates-{self._new_id()}"
        context = Context(tenant_id=sure.tenant_id, metadata=Metadata(actor=SYSTEM, correlation_id=correlation_id))
        if await self._was_taken_apart(sure):
            pair = DismissPair((into_id, from_id))
            await self._handler.handle(context, DISMISS_DUPLICATES, lambda: (pair, ()), stream_id=sure.pair_id)
            return False
        merging = Merging(self._handler, sure.tenant_id, into_id, lambda _: None)
        await self._handler.handle(
            context,
            MERGE_CONTACT,
            lambda: merging.merge(MergeContact(from_id=from_id), _EVERYTHING),
            stream_id=into_id,
        )
        return True

    async def _was_taken_apart(self, sure: Sure) -> bool:
        """Whether somebody unmerged the two: then they are two people, and are not merged again."""
        for contact_id in sure.contact_ids:
            events = await self._store.load(sure.tenant_id, contact_id)
            if any(isinstance(e.event, ContactUnmerged) and e.event.into in sure.contact_ids for e in events):
                return True
        return False
