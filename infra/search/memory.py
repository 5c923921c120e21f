"""Contact search in memory: every contact is looked at, by the same rules that the other adapters use."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from projections.contacts import filters as contact_filters
from projections.contacts.hits import explained
from projections.contacts.rows import Searchable
from projections.contacts.search import DEEPEST, Backend, Hit, Sought
from projections.position import Level


class MemoryContactSearch:
    """Implements projections.contacts.search.ContactSearch."""

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
        hits = sorted(self._found(tenant_id, sought), key=lambda hit: (-hit.score, hit.id))
        if not sought.order:
            return hits[:DEEPEST][sought.offset : sought.offset + sought.limit]
        hits.sort(key=lambda hit: contact_filters.sorting_key(sought.order, hit.place or ()))
        return hits[: sought.limit]

    def _found(self, tenant_id: UUID, sought: Sought) -> Iterator[Hit]:
        within = sought.within
        for contact in self._contacts.get(tenant_id, {}).values():
            if within.owners is None or contact.owner_id in within.owners:
                hit = explained(sought, contact)
                if hit.score and _is_wanted(sought, contact):
                    yield hit


def _is_wanted(sought: Sought, contact: Searchable) -> bool:
    conditions = [sought.where] if sought.where else []
    if sought.after:
        conditions.append(contact_filters.after(sought.order, sought.after))
    return all(contact_filters.holds(each, contact.values, contact.text) for each in conditions if contact.text)
