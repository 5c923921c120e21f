"""Relationships of contacts that were merged: several streams may be about two contacts that are there now."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from commands.contacts.merging import family_in_log
from commands.decision import Decision, Given
from commands.handle import Handler, UseCase
from commands.ports import StreamEvents
from domain.relationship import Relationship, RelationshipEnded, evolve, pair_id


class Pair(Struct, frozen=True):
    """What two contacts are to each other: the stream to write to, and the ids that the two have in it.

    `mine` are all ids of the first one; `others` further relationships of the same two, by ids that were merged, which
    are not shown beside it.
    """

    stream_id: UUID
    contact_id: UUID
    other_id: UUID
    mine: Sequence[UUID]
    others: Sequence[Relationship] = ()

    def seen(self, found: Relationship) -> Relationship:
        """A relationship of the two, told of the first one."""
        return found if found.contact_id in self.mine else found.seen_from(found.other_id)


async def pair(handler: Handler, tenant_id: UUID, contact_id: UUID, other_id: UUID) -> Pair:
    """The relationship of two contacts that is shown: the one that was set last, by whichever of their ids.

    Raises:
        NotFoundError: one of them is not there.
    """
    mine, theirs = [await family_in_log(handler, tenant_id, each) for each in (contact_id, other_id)]
    if len(mine) == len(theirs) == 1:
        return Pair(pair_id(contact_id, other_id), contact_id, other_id, mine)
    standing = [
        found.seen_from(one)
        for one in mine
        for other in theirs
        if one != other and (found := await _standing(handler, tenant_id, pair_id(one, other)))
    ]
    if not standing:
        return Pair(pair_id(contact_id, other_id), contact_id, other_id, mine)
    last, *others = sorted(standing, key=lambda found: (found.updated_at, found.id), reverse=True)
    return Pair(last.id, last.contact_id, last.other_id, mine, others)


def ending_all(case: UseCase[Any, Relationship], others: Sequence[Relationship]) -> UseCase[Any, Relationship]:
    """The same use case, which ends the other relationships of the two with the one that it ends."""
    if not others:
        return case
    decide: Callable[[Any, Given[Relationship]], Decision] = case.decide

    def end(command: Any, given: Given[Relationship]) -> Decision:
        related = tuple(StreamEvents(other.id, other.version, (RelationshipEnded(),)) for other in others)
        return structs.replace(decide(command, given), related=related)

    return structs.replace(case, decide=end)


async def _standing(handler: Handler, tenant_id: UUID, stream_id: UUID) -> Relationship | None:
    found = await handler.found(tenant_id, "relationship", evolve, stream_id)
    return found if found and found.deleted_at is None else None
