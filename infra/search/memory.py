"""Contact search in memory: every contact is looked at, by the same rules that the other adapters use."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from projections.closeness import explain
from projections.contact_rows import Searchable
from projections.contact_search import DEEPEST, Backend, Hit
from projections.contact_text import ContactText, asked
from projections.position import Level


class MemoryContactSearch:
    """Implements projections.contact_search.ContactSearch."""

    backend: Backend = "memory"

    def __init__(self) -> None:
        self._contacts: dict[UUID, dict[UUID, ContactText]] = {}

    def write(self, tenant_id: UUID, contacts: Iterable[Searchable]) -> None:
        """Take in contacts as they are now; deleted ones go."""
        known = self._contacts.setdefault(tenant_id, {})
        for contact in contacts:
            if contact.text:
                known[contact.id] = contact.text
            else:
                known.pop(contact.id, None)

    async def search(
        self, tenant_id: UUID, text: str, *, offset: int, limit: int, at_least: Level | None = None
    ) -> Sequence[Hit]:
        """See the port."""
        del at_least
        words = asked(text)
        found = (
            Hit(contact_id, *explain(words, contact))
            for contact_id, contact in self._contacts.get(tenant_id, {}).items()
        )
        hits = sorted((hit for hit in found if hit.score), key=lambda hit: (-hit.score, hit.id))
        return hits[:DEEPEST][offset : offset + limit]
