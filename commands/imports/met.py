"""Whom the rows of an import have met of late, by their keys: the read models may not have them yet.

It is kept in memory for as long as that may be so. Where nothing is known of an import, since another worker has had it
or this one has started anew, the read models are waited for instead.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from commands.decision import Lookup
from commands.imports import rows as import_rows
from domain.contact import Contact

_MOST_KEYS = 50_000
_MOST_IMPORTS = 16


class Met:
    """Whom an import has met, beside those that the read models have at the position `applied`."""

    def __init__(self, applied: int = 0) -> None:
        self.applied = applied
        self._found: dict[Lookup, list[UUID]] = {}
        self._portions: deque[tuple[int, list[tuple[Lookup, UUID]]]] = deque()

    @property
    def keys(self) -> int:
        """How many are kept."""
        return len(self._found)

    def remember(self, position: int, contacts: Iterable[Contact]) -> None:
        """A portion has made or changed these; the log had got to a position then."""
        met = [(key, contact.id) for contact in contacts for key in import_rows.keys_of(contact)]
        for key, contact_id in met:
            self._found.setdefault(key, []).append(contact_id)
        self._portions.append((position, met))

    def leave(self, applied: int) -> None:
        """The read models have got to a position: what was met until then is left to them."""
        while self._portions and self._portions[0][0] <= applied:
            self.applied, met = self._portions.popleft()
            for key, contact_id in met:
                self._found[key].remove(contact_id)
                if not self._found[key]:
                    del self._found[key]

    def whom(self, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
        """The contacts that were met under some keys."""
        return {key: self._found[key] for key in keys if key in self._found}


class Memory:
    """Whom the imports of a worker have met, from one turn to the next."""

    def __init__(self) -> None:
        self._met: dict[tuple[UUID, int], Met] = {}

    def keep(self, import_id: UUID, portion: int, met: Met) -> None:
        """For the turn that begins with this portion."""
        if met.keys <= _MOST_KEYS:
            self._met[import_id, portion] = met
        while len(self._met) > _MOST_IMPORTS:
            del self._met[next(iter(self._met))]

    def take(self, import_id: UUID, portion: int) -> Met | None:
        """What was kept; None where another worker may have written what came before this portion."""
        return self._met.pop((import_id, portion), None)
