"""What keeps a search index outside Postgres needs of it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol
from uuid import UUID

from projections.contacts.rows import Searchable

SCHEMA = 5
"""The version of what is kept of a contact: raised where documents or the mapping change. Each version has an index and
checkpoints of its own, so that processes of two versions do not disturb each other."""

State = Literal["new", "filling", "level"]
"""`new`: checkpoints don't speak of this index yet; `filling`: it lacks much; `level`: it has caught up."""

BACK_IN_TOUCH_SECONDS = 6.0
"""An index that was away and is back says `level` for at most so long before the indexer says how it really is."""


class IndexUnavailableError(Exception):
    """The index can't be reached, is gone, or did not take all that was written."""


class Writer(Protocol):
    """Where documents go."""

    async def write(self, tenant_id: UUID, contacts: Sequence[Searchable]) -> None:
        """Write contacts whole (deleted ones as tombstones); a newer one that is there already stays.

        Raises:
            IndexUnavailableError: some were not taken; all may be written again.
        """
        ...

    async def refresh(self) -> None:
        """Show searches what was written."""
        ...


class ContactIndex(Writer, Protocol):
    """The index that searches go to."""

    async def ensure(self) -> State:
        """Make the index if it isn't there, and say how full it is; those of older versions count as level no more.

        To be asked every few seconds: what nobody keeps level any longer, nobody searches for longer than that.
        """
        ...

    async def mark(self, state: State) -> None:
        """Note how full the index is, in the index itself: it is forgotten with it. When it is level, older ones go."""
        ...

    async def purge(self, older_than: float) -> int:
        """Let go of tombstones written more than so many seconds ago, and of older versions' indexes.

        Returns how many tombstones there were.

        Raises:
            IndexUnavailableError: the index is away.
        """
        ...

    def recreated(self) -> AbstractAsyncContextManager[Writer]:
        """A new index, to be filled beside the old one, which it replaces in one step at the end of the block.

        An exception in the block leaves the old one as it was. One at a time in an installation.
        """
        ...
