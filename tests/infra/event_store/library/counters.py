"""A materialised view of the library's suites, in a table of its own, moved in one transaction with its tracking."""

from typing import LiteralString

import psycopg
from eventsourcing.persistence import Tracking
from eventsourcing.tests.projection import EventCountersView

from infra.event_store.library.recorders import RapportTrackingRecorder

_TABLE = """
CREATE SCHEMA counters;
CREATE TABLE counters.counter (tenant_id uuid, name text, count integer, PRIMARY KEY (tenant_id, name));
ALTER TABLE counters.counter ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON counters.counter USING (tenant_id = store.current_tenant());
GRANT USAGE ON SCHEMA counters TO rapport_recorder;
GRANT SELECT, INSERT, UPDATE ON counters.counter TO rapport_recorder;
"""
_COUNT: LiteralString = "SELECT count FROM counters.counter WHERE tenant_id = %s AND name = %s"
_INCREASE: LiteralString = """INSERT INTO counters.counter AS c VALUES (%s, %s, 1)
    ON CONFLICT (tenant_id, name) DO UPDATE SET count = c.count + 1"""


def make_table(admin_dsn: str) -> None:
    """What a program's own migration does."""
    with psycopg.connect(admin_dsn) as connection:
        connection.execute(_TABLE)


class Counters(RapportTrackingRecorder, EventCountersView):
    """Implements the view of the library's projection suites."""

    def get_created_event_counter(self) -> int:
        return self._count("created")

    def get_subsequent_event_counter(self) -> int:
        return self._count("subsequent")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._increase("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._increase("subsequent", tracking)

    def _count(self, name: str) -> int:
        rows = self.datastore.rows(_COUNT, (self.datastore.tenant_id, name))
        return int(rows[0][0]) if rows else 0

    def _increase(self, name: str, tracking: Tracking) -> None:
        with self.datastore.connection() as connection, connection.transaction():
            connection.execute(_INCREASE, (self.datastore.tenant_id, name))
            self.track(connection, tracking)
