"""What can be asked of relationships: set what two contacts are to each other, or end it. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from msgspec import Struct

from commands import normalise
from commands.decision import Decision, Given
from commands.normalise import Problems
from domain.errors import GoneError, NotFoundError
from domain.relationship import Relationship, RelationshipEnded, RelationshipSet

LONGEST = 64

_PAIRS = (
    ("parent", "child"),
    ("grandparent", "grandchild"),
    ("guardian", "ward"),
    ("manager", "report"),
    ("mentor", "mentee"),
    ("teacher", "student"),
    ("employer", "employee"),
    ("advisor", "client"),
    ("assistant", "assisted"),
    ("referred_by", "referred"),
    ("reports_to", "manages"),
)
REVERSES: Mapping[str, str] = MappingProxyType({one: other for pair in _PAIRS for one, other in (pair, pair[::-1])})
"""Kinds that are another one in the other direction. Every other kind is the same both ways, like spouse or colleague,
unless it is said otherwise."""


class Kinds(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the other one is to this contact, in words of one's own; and this contact to the other one."""

    kind: str
    reverse_kind: str | None = None


class SetRelationship(Struct, frozen=True, kw_only=True):
    """What two contacts are to each other from now on."""

    contact_id: UUID
    other_id: UUID
    kinds: Kinds


class EndRelationship(Struct, frozen=True):
    """That two contacts are nothing to each other any more."""


def set_kinds(command: SetRelationship, given: Given[Relationship]) -> Decision:
    """Other kinds than before; nothing when they are the same.

    Raises:
        InvalidError: a kind is none.
    """
    problems = Problems(given.errors)
    kind = _kind(command.kinds.kind, "/kind", problems)
    reverse = _kind(command.kinds.reverse_kind, "/reverse_kind", problems) if command.kinds.reverse_kind else ""
    problems.raise_if_any()
    reverse = reverse or REVERSES.get(kind, kind)
    if given.state and given.state.deleted_at is None:
        before = given.state.seen_from(command.contact_id)
        if (before.kind, before.reverse_kind) == (kind, reverse):
            return Decision()
    event = RelationshipSet(contact_id=command.contact_id, other_id=command.other_id, kind=kind, reverse_kind=reverse)
    return Decision(events=(event,))


def end(_: EndRelationship, given: Given[Relationship]) -> Decision:
    """Over.

    Raises:
        NotFoundError: there never was one.
        GoneError: it is over already.
    """
    if given.state is None:
        raise NotFoundError("relationship")
    if given.state.deleted_at is not None:
        raise GoneError("relationship")
    return Decision(events=(RelationshipEnded(),))


def _kind(text: str | None, at: str, problems: Problems) -> str:
    """A kind in the form that it is compared and counted in: lower case, NFC, single spaces."""
    if not isinstance(text, str):  # could not be read, and is in the problems already
        return ""
    return normalise.filled(text, at, problems, longest=LONGEST).lower()
