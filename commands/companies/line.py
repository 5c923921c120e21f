"""Which companies stand above one: read before deciding, so that no company comes to be above itself."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from commands.companies.input import Ancestor
from commands.companies.values import MOST_LEVELS
from domain.company import Company
from domain.errors import NotFoundError

Load = Callable[[UUID], Awaitable[Company]]
"""A company by its id; raises NotFoundError."""


async def line_from(load: Load, parent_id: object) -> tuple[Ancestor, ...]:
    """A company and those above it, the nearest first; none when it is not there, or deleted.

    Deleted ones further up stand in the line too: they may be restored.
    """
    line: list[Ancestor] = []
    next_id = parent_id
    while isinstance(next_id, UUID) and len(line) < MOST_LEVELS:
        try:
            found = await load(next_id)
        except NotFoundError:
            break
        if not line and found.deleted_at is not None:
            break
        line.append(Ancestor(found.id, found.version))
        next_id = found.parent_id
    return tuple(line)
