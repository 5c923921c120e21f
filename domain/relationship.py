"""What two contacts are to each other: one stream for each pair, whichever of them is named first."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct, structs

from domain.event import Event
from domain.personal import Personal

_PAIRS = UUID("6b1c7d1e-59d5-5b0a-9c0e-2f4b8a7d3e61")


class RelationshipSet(Event, topic="relationship.set.v1", data_class="contact"):
    """Two contacts are this to each other from now on: the other is `kind` to the contact, who is `reverse_kind` to it.

    That Ada's manager is Grace: contact_id Ada, other_id Grace, kind manager, reverse_kind report.
    """

    contact_id: UUID
    other_id: UUID
    kind: Personal[str]
    reverse_kind: Personal[str]


class RelationshipEnded(Event, topic="relationship.ended.v1"):
    """Two contacts are nothing to each other any more."""


class Relationship(Struct, frozen=True, kw_only=True):
    """State of a relationship; `version` counts the stream's events."""

    id: UUID
    version: int
    contact_id: UUID
    other_id: UUID
    kind: str
    reverse_kind: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    def seen_from(self, contact_id: UUID) -> "Relationship":
        """The same, told of one of the two."""
        if contact_id == self.contact_id:
            return self
        return structs.replace(
            self, contact_id=self.other_id, other_id=self.contact_id, kind=self.reverse_kind, reverse_kind=self.kind
        )


EVENTS = (RelationshipSet, RelationshipEnded)


def pair_id(one: UUID, other: UUID) -> UUID:
    """The stream of a pair: the same id, whoever of the two is asked about."""
    return uuid5(_PAIRS, "/".join(sorted((str(one), str(other)))))


def evolve(relationship: Relationship | None, event: Event, *, stream_id: UUID, at: datetime) -> Relationship:
    """Apply one event. One that is set again after it ended begins anew.

    Raises:
        TypeError: the event is none of a relationship's, or comes where it can't.
    """
    match relationship, event:
        case Relationship(version=version, deleted_at=None, created_at=began), RelationshipSet():
            return _set(event, stream_id, version + 1, began, at)
        case _, RelationshipSet():
            return _set(event, stream_id, relationship.version + 1 if relationship else 1, at, at)
        case Relationship(version=version), RelationshipEnded():
            return structs.replace(relationship, version=version + 1, updated_at=at, deleted_at=at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this relationship")


def _set(event: RelationshipSet, stream_id: UUID, version: int, began: datetime, at: datetime) -> Relationship:
    members = structs.asdict(event)
    return Relationship(id=stream_id, version=version, created_at=began, updated_at=at, **members)
