"""The `eventsourcing` library's recorders over this schema, each for one tenant: the library knows none.

Notification ids are the tenant's positions, so they are gapless and in the order of commits, without a table lock.
"""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)

from infra import clock
from infra.event_store.library import stored
from infra.event_store.library.datastore import Connection, RapportDatastore
from infra.event_store.library.subscription import PollingSubscription

_RECORD: LiteralString = "SELECT * FROM store.record(%s, %s::jsonb, %s, %s, %s)"
_TRACK: LiteralString = "SELECT store.track(%s, %s, %s, %s)"
_TRACKED: LiteralString = """SELECT notification_id FROM store.tracking
    WHERE tenant_id = %s AND tracker = %s AND application = %s"""
_HEAD: LiteralString = "SELECT position FROM store.tenant_head WHERE tenant_id = %s"
_EVENTS: LiteralString = """SELECT version, topic, data FROM store.event
    WHERE tenant_id = %s AND stream_id = %s AND version > %s AND version <= %s"""
_NOTIFICATIONS: LiteralString = """SELECT position, stream_id, version, topic, data, metadata FROM store.event
    WHERE tenant_id = %s AND position >= %s AND position <= %s AND (%s::text[] IS NULL OR topic = ANY(%s::text[]))
    ORDER BY position LIMIT %s"""
_SNAPSHOTS: LiteralString = """SELECT version, topic, state FROM store.recorder_snapshot
    WHERE tenant_id = %s AND stream_id = %s AND version > %s AND version <= %s"""
_RECORD_SNAPSHOTS: LiteralString = "SELECT store.record_snapshots(%s, %s, %s, %s)"
_UPWARDS: LiteralString = " ORDER BY version LIMIT %s"
_DOWNWARDS: LiteralString = " ORDER BY version DESC LIMIT %s"

_HIGHEST_VERSION = 2**31 - 1
_HIGHEST_POSITION = 2**63 - 1


class _Recorder:
    def __init__(self, datastore: RapportDatastore) -> None:
        self.datastore = datastore

    def _select(
        self, query: LiteralString, originator_id: UUID | str, gt: int | None, lte: int | None, limit: int | None
    ) -> list[Any]:
        tenant = self.datastore.tenant_id
        stream = stored.stream_id(tenant, originator_id)
        after, up_to = -1 if gt is None else gt, _HIGHEST_VERSION if lte is None else lte
        return self.datastore.rows(query, (tenant, stream, after, up_to, limit))


class RapportAggregateRecorder(_Recorder, AggregateRecorder):
    """Streams of the tenant's log. Ids of aggregates are UUIDs, or texts that are mapped to some."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append all of the events or none.

        Raises:
            IntegrityError: a version is there already, or not the next one of its stream.
            DataError: a topic or version that the log can't take.
            OperationalError: Postgres can't be reached.
        """
        self._record(stored_events, kwargs)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of a stream in order of version."""
        rows = self._select(_EVENTS + (_DOWNWARDS if desc else _UPWARDS), originator_id, gt, lte, limit)
        return [stored.stored_event(originator_id, row) for row in rows]

    def _record(self, stored_events: Sequence[StoredEvent], kwargs: dict[str, Any]) -> list[int]:
        """One command, under one id however often it is sent: a lost answer is no conflict with oneself."""
        command_id = clock.new_id()
        events = stored.batch(self.datastore.tenant_id, stored_events, command_id, clock.now())
        tracked = self._tracked(kwargs)
        if not events and tracked is None:
            return []
        parameters = (command_id, msgspec.json.encode(events).decode(), *(tracked or (None, None, None)))
        ((first, last),) = self.datastore.rows(_RECORD, parameters)
        return list(range(first, last + 1)) if events else []

    def _tracked(self, _: dict[str, Any]) -> tuple[str, str, int] | None:
        """What is tracked in the same transaction: tracker, application, notification id."""
        return None


class RapportApplicationRecorder(RapportAggregateRecorder, ApplicationRecorder):
    """The tenant's log as an application sequence."""

    def __init__(self, datastore: RapportDatastore) -> None:
        super().__init__(datastore)
        self._subscriptions: set[PollingSubscription] = set()

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """As above; returns the notification ids, which follow each other."""
        ids = self._record(stored_events, kwargs)
        for subscription in tuple(self._subscriptions):
            subscription.wake()
        return ids

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """At most `limit` events in order of position."""
        lowest = 1 if start is None else start if inclusive_of_start else start + 1
        highest = _HIGHEST_POSITION if stop is None else stop
        names = [stored.topic(name) for name in topics] or None
        rows = self.datastore.rows(_NOTIFICATIONS, (self.datastore.tenant_id, lowest, highest, names, names, limit))
        return [stored.notification(row) for row in rows]

    def max_notification_id(self) -> int | None:
        """Position of the tenant's last event."""
        rows = self.datastore.rows(_HEAD, (self.datastore.tenant_id,))
        return int(rows[0][0]) if rows else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """An iterator that waits for new events. Its own process's are there at once, others' within 50 ms."""
        return PollingSubscription(self, self._subscriptions, gt=gt, topics=topics)


class RapportTrackingRecorder(_Recorder, TrackingRecorder):
    """How far somebody has followed an application's notifications. `name` tells followers in a tenant apart.

    A view with tables of its own subclasses this, and calls `track` in the transaction that writes them.
    """

    def __init__(self, datastore: RapportDatastore, name: str = "") -> None:
        super().__init__(datastore)
        self.name = name

    def insert_tracking(self, tracking: Tracking) -> None:
        """Note that a notification was dealt with.

        Raises:
            IntegrityError: it was already, or a later one.
        """
        self.datastore.rows(_TRACK, (self.name, *_pair(tracking), clock.new_id()))

    def track(self, connection: Connection, tracking: Tracking) -> None:
        """The same on a connection of the datastore, in the transaction that is open on it."""
        connection.execute(_TRACK, (self.name, *_pair(tracking), clock.new_id()))

    def max_tracking_id(self, application_name: str) -> int | None:
        """The last notification of an application that was dealt with."""
        rows = self.datastore.rows(_TRACKED, (self.datastore.tenant_id, self.name, application_name))
        return int(rows[0][0]) if rows else None


class RapportProcessRecorder(RapportTrackingRecorder, RapportApplicationRecorder, ProcessRecorder):
    """Both: events are appended, and what they came of is tracked, in one transaction."""

    def __init__(self, datastore: RapportDatastore, name: str = "") -> None:
        RapportApplicationRecorder.__init__(self, datastore)
        self.name = name

    def _tracked(self, kwargs: dict[str, Any]) -> tuple[str, str, int] | None:
        tracking: Tracking | None = kwargs.get("tracking")
        return (self.name, *_pair(tracking)) if tracking else None


class RapportSnapshotRecorder(_Recorder, AggregateRecorder):
    """Snapshots of the library: beside the log, with gaps between their versions."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Keep snapshots, all or none.

        Raises:
            IntegrityError: there is one of that version.
        """
        tenant = self.datastore.tenant_id
        rows = (
            (stored.stream_id(tenant, each.originator_id), each.originator_version, each.topic, each.state)
            for each in stored_events
        )
        if arrays := [list(column) for column in zip(*rows, strict=True)]:
            # Once: asked again after a lost answer, it would be refused.
            self.datastore.rows(_RECORD_SNAPSHOTS, arrays, tries=1)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Snapshots in order of version."""
        rows = self._select(_SNAPSHOTS + (_DOWNWARDS if desc else _UPWARDS), originator_id, gt, lte, limit)
        return [StoredEvent(originator_id, version, topic, state) for version, topic, state in rows]


def _pair(tracking: Tracking) -> tuple[str, int]:
    return tracking.application_name, tracking.notification_id
