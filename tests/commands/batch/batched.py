"""Items of batches, and a world that is asked several things at once."""

from typing import Any
from uuid import UUID

from commands.batch.batches import Batches
from commands.batch.items import Asked, ByKey
from commands.batch.results import BatchOutcome
from commands.decision import Context
from commands.registry import CHANGE_CONTACT, DELETE_CONTACT, REGISTER_CONTACT
from infra import clock
from infra.event_store.finder import find_all
from tests.commands.world import World, by
from tests.given import CALLER, change, delete, register


class Batched(World):
    """The same world, asked several things at once."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = Batches(self.store, clock.now, clock.new_id, find_all(self.store))

    async def all(self, *items: Asked | ByKey, context: Context | None = None, **options: Any) -> BatchOutcome:
        return await self.batches.handle(context or by(CALLER), items, **options)


def new(**members: Any) -> Asked:
    """A contact to be registered."""
    return Asked(case=REGISTER_CONTACT, command=register(**members))


def changing(contact_id: UUID, **members: Any) -> Asked:
    """A contact to be changed."""
    return Asked(case=CHANGE_CONTACT, command=change(**members), stream_id=contact_id)


def deleting(contact_id: UUID) -> Asked:
    """A contact to be deleted."""
    return Asked(case=DELETE_CONTACT, command=delete(), stream_id=contact_id)


def told(outcome: BatchOutcome) -> list[int | str]:
    """Of each item its status, or the code of its refusal."""
    return [result.error.code if result.error else result.status for result in outcome.results]
