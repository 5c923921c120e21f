"""Contact search in memory: every contact is looked at, by the same rules that the other adapters use."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from projections.closeness import explain
from projections.contact_rows import Searchable
from projections.contact_search import DEEPEST, Backend, Hit, Sought
from projections.contact_text import asked
from projections.position import Level


class MemoryContactSearch:
    """Implements projections.contact_search.ContactSearch."""

    backend: Backend = "memory"

    def __init__(self) -> None:
        self._contacts: dict[UUID, dict[UUID, Searchable]] = {}

    def write(self, tenant_id: UUID, contacts: Iterable[Searchable]) -> None:
        """Take in contacts as they are now; deleted ones go."""
        known = self._contacts.setdefault(tenant_id, {})
        for contact in contacts:
            if contact.text:
                known[contact.id] = contact
            else:
                known.pop(contact.id, None)

    async def search(self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None) -> Sequence[Hit]:
        """See the port."""
        del at_least
        words, within = asked(sought.text), sought.within
        found = (
            Hit(contact.id, *explain(words, contact.text.without(within.hidden)))
            for contact in self._contacts.get(tenant_id, {}).values()
            if contact.text and (within.owners is None or contact.owner_id in within.owners)
        )
        hits = sorted((hit for hit in found if hit.score), key=lambda hit: (-hit.score, hit.id))
        return hits[:DEEPEST][sought.offset : sought.offset + sought.limit]
