"""Pages of lists that are read as of now, or of a moment that all of them share."""

from datetime import datetime
from typing import Any, Protocol

from api.http.as_of import moment_of
from api.http.exchange import HttpRequest, principal_of, services_of
from projections.position import Moment


class Paged(Protocol):
    """The query of such a list."""

    @property
    def as_of(self) -> datetime | None:
        """Of when it is to be."""
        ...

    @property
    def cursor(self) -> str | None:
        """What the page before gave."""
        ...


async def page_asked(request: HttpRequest, query: Paged, scope: object) -> tuple[Any, Moment | None]:
    """The bound after which a page starts (None: at the beginning), and the moment that it is of (None: now).

    `scope` is everything that defines the list, `as_of` included.

    Raises:
        DomainError: cursor.invalid, or query.invalid where the time is yet to come.
    """
    after = position = None
    if query.cursor is not None:
        tenant_id = principal_of(request).tenant_id
        after, position = services_of(request).cursors.read(query.cursor, tenant_id, scope)
    return after, await moment_of(request, query.as_of, position)


def cursor_after(request: HttpRequest, scope: object, bound: Any, moment: Moment | None) -> str | None:
    """The cursor of the page that starts after a bound; None where there is none."""
    if not bound:
        return None
    place = (bound, moment.position if moment else None)
    return services_of(request).cursors.make(principal_of(request).tenant_id, scope, place)
