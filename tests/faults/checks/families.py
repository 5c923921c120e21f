"""Which contacts were merged into which: what the log says beside the rows of contact_family_v1."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg

from domain.contact import ContactMerged, ContactUnmerged
from domain.event import Event, Recorded
from projections.contacts import family as contact_family
from tests.faults.checks.progress import Progress

_ROWS = """
SELECT tenant_id, id, since, into_id, until FROM read.contact_family_v1
 WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""

Link = tuple[UUID, int | None]
"""Into which one, and until which position (None: still)."""
Links = dict[tuple[UUID, UUID, int], Link]
"""By tenant, contact that went, and position."""


class Families:
    """Links as far as the read model says that it is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._links: Links = {}
        self._open: dict[tuple[UUID, UUID], int] = {}

    def take(self, item: Recorded[Event]) -> None:
        """See an event of the log."""
        if not self._progress.includes(contact_family.PROJECTION.checkpoint, item):
            return
        key = (item.tenant_id, item.stream_id)
        if isinstance(item.event, ContactMerged):
            self._links[*key, item.position] = (item.event.into, None)
            self._open[key] = item.position
        elif isinstance(item.event, ContactUnmerged) and (since := self._open.pop(key, None)):
            self._links[*key, since] = (self._links[*key, since][0], item.position)

    def compared(self, connection: psycopg.Connection[Any], scope: Mapping[str, Any]) -> tuple[Links, Links]:
        """What the log says, and what the read model does."""
        rows = connection.execute(_ROWS, scope).fetchall()
        return self._links, {(tenant, key, since): (into, until) for tenant, key, since, into, until in rows}
