"""How the library finds the recorders: PERSISTENCE_MODULE=infra.event_store.library.factory (docs/eventsourcing.md)."""

from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    ProcessRecorder,
    TTrackingRecorder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic

from infra.event_store.library import recorders
from infra.event_store.library.datastore import RapportDatastore

DSN = "RAPPORT_RECORDER_DSN"
TENANT = "RAPPORT_TENANT_ID"


class RapportFactory(InfrastructureFactory[recorders.RapportTrackingRecorder]):
    """Recorders of one tenant, from the environment of an application or projection of the library.

    RAPPORT_RECORDER_DSN and RAPPORT_TENANT_ID may both be prefixed with the name, as the library has it
    (COUNTERS_RAPPORT_TENANT_ID): applications that have a tenant in common have one sequence in common.
    """

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        dsn, tenant = self.env.get(DSN), self.env.get(TENANT)
        if not dsn or not tenant:
            raise OSError(f"{DSN} and {TENANT} are needed in the environment of {self.env.name or 'the application'!r}")
        self.datastore = RapportDatastore(dsn, UUID(tenant))

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Streams of the log; for the purpose of snapshots, what keeps those."""
        kind = recorders.RapportAggregateRecorder if purpose == "events" else recorders.RapportSnapshotRecorder
        return kind(self.datastore)

    def application_recorder(self) -> ApplicationRecorder:
        """The tenant's log."""
        kind: type[Any] = self._named(self.APPLICATION_RECORDER_TOPIC) or recorders.RapportApplicationRecorder
        recorder: ApplicationRecorder = kind(self.datastore)
        return recorder

    def tracking_recorder(self, tracking_recorder_class: type[TTrackingRecorder] | None = None) -> TTrackingRecorder:
        """Where the projection of this name has got to."""
        kind: type[Any] = (
            tracking_recorder_class or self._named(self.TRACKING_RECORDER_TOPIC) or recorders.RapportTrackingRecorder
        )
        recorder: TTrackingRecorder = kind(self.datastore, self.env.name)
        return recorder

    def process_recorder(self) -> ProcessRecorder:
        """The tenant's log, with tracking."""
        kind: type[Any] = self._named(self.PROCESS_RECORDER_TOPIC) or recorders.RapportProcessRecorder
        recorder: ProcessRecorder = kind(self.datastore, self.env.name)
        return recorder

    def close(self) -> None:
        """Close all connections."""
        self.datastore.close()

    def _named(self, variable: str) -> Any:
        """The class that the environment names by its topic, if any."""
        topic = self.env.get(variable)
        return resolve_topic(topic) if topic else None
