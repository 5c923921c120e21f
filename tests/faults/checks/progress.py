"""How far the read models say they are: what each of them includes, and what it leaves out."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg

from domain.event import Event, Recorded

_CHECKPOINTS = """
SELECT tenant_id, projection, position FROM read.checkpoint WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""
_PARKED = """
SELECT tenant_id, projection, stream_id, position, skipped_at IS NOT NULL
  FROM read.parked WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""


class Progress:
    """Checkpoints, streams that are parked, and events that a person has skipped."""

    def __init__(self, connection: psycopg.Connection[Any], scope: Mapping[str, Any]) -> None:
        self.checkpoints: dict[tuple[UUID, str], int] = {}
        for tenant, projection, position in connection.execute(_CHECKPOINTS, scope):
            self.checkpoints[tenant, projection] = position
        self.parked: dict[tuple[UUID, str, UUID], int] = {}
        self._skipped: set[tuple[UUID, str, UUID, int]] = set()
        for tenant, projection, stream, position, skipped in connection.execute(_PARKED, scope):
            if skipped:
                self._skipped.add((tenant, projection, stream, position))
            else:
                self.parked[tenant, projection, stream] = position

    def includes(self, checkpoint: str, item: Recorded[Event]) -> bool:
        """Whether a read model says that it has applied an event."""
        tenant, stream, position = item.tenant_id, item.stream_id, item.position
        return (
            position <= self.checkpoints.get((tenant, checkpoint), 0)
            and position < self.parked.get((tenant, checkpoint, stream), position + 1)
            and (tenant, checkpoint, stream, position) not in self._skipped
        )

    def at(self, tenant: UUID, checkpoint: str) -> int:
        """The position of a read model."""
        return self.checkpoints.get((tenant, checkpoint), 0)
