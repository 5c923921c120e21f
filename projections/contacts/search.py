"""Searching contacts: what the ways in ask for, whatever answers it."""

from collections.abc import Sequence
from typing import Literal, Protocol
from uuid import UUID

from msgspec import Struct

from projections.contacts.filters import Condition, Order, Place
from projections.position import Level

Backend = Literal["postgres", "opensearch", "memory"]

DEEPEST = 1000
"""Hits that can be paged through: nobody reads further, and each adapter can stop looking there."""


class Within(Struct, frozen=True):
    """What of a tenant's contacts a search looks at: those of some owners (None: all), without some fields.

    Of `hidden` fields (of contact_text.FIELDS) nothing shows in what is found, in its order, scores, or `matched`.
    """

    owners: tuple[UUID, ...] | None = None
    hidden: frozenset[str] = frozenset()


EVERYTHING = Within()


class Hit(Struct, frozen=True):
    """A contact that was found.

    `score` compares hits of one answer only, and is 1 where nothing but conditions was asked; `matched` names what it
    was found by: among name, email, company, title and phone, and the fields of the conditions that hold. `place` is
    where it stands in the order that was asked for.
    """

    id: UUID
    score: float
    matched: tuple[str, ...]
    place: Place | None = None


class Answer(Struct, frozen=True):
    """Hits, best first, and who found them."""

    backend: Backend
    hits: Sequence[Hit]


class Sought(Struct, frozen=True):
    """What is looked for: hits number `offset` to `offset + limit`, best first, of those `within` that fit the text.

    And for which a condition holds, where there is one. Without a text all do fit that. With an `order` they come in it
    rather than best first, however many there are, from a place on (then there is no offset). Without a text there is
    always an order.
    """

    text: str | None
    offset: int
    limit: int
    within: Within = EVERYTHING
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    after: Place | None = None


class SearchUnavailableError(Exception):
    """The search store can't answer now; another may."""


class ContactSearch(Protocol):
    """Finds a tenant's contacts by text, with typos, beginnings of words, any word order and missing accents."""

    @property
    def backend(self) -> Backend:
        """What answers."""
        ...

    async def search(self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None) -> Sequence[Hit]:
        """The hits that are sought; none beyond DEEPEST.

        `at_least` is what the caller has waited for: a store with copies that lag asks one which has it.

        Raises:
            SearchUnavailableError: the store is away or too slow.
        """
        ...


class AnyContactSearch(Protocol):
    """What the ways in use: it says which backend answered."""

    @property
    def backend(self) -> Backend:
        """What would answer now; the read model to wait for before a search that must include a position."""
        ...

    async def search(
        self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None, spare: bool = False
    ) -> Answer:
        """As ContactSearch; with `spare`, by what stands behind the one that would answer.

        Raises:
            SearchUnavailableError: none of the backends can answer.
        """
        ...
