"""The suites that ship with the `eventsourcing` library, as they are, on its recorders over our schema."""

from typing import Any
from unittest import TestCase
from uuid import UUID, uuid4

import pytest
from eventsourcing.tests import persistence as suites
from eventsourcing.utils import Environment

from infra.event_store.library import factory, recorders
from infra.event_store.library.datastore import RapportDatastore

pytestmark = pytest.mark.servers


class OnRapport(TestCase):
    """Gives each test a tenant of its own, so that positions count from 1."""

    dsn: str

    @pytest.fixture(autouse=True)
    def _database(self, recorder_dsn: str) -> None:
        self.dsn = recorder_dsn

    def datastore(self) -> RapportDatastore:
        made = RapportDatastore(self.dsn, uuid4())
        self.addCleanup(made.close)
        return made


class KnownByText:
    """Aggregates whose ids are texts, which the library has had since 9.5."""

    def new_originator_id(self) -> UUID | str:
        return f"account-{uuid4()}"


class TestAggregateRecorder(OnRapport, suites.AggregateRecorderTestCase):
    def create_recorder(self) -> recorders.RapportAggregateRecorder:
        return recorders.RapportAggregateRecorder(self.datastore())


class TestAggregateRecorderByText(KnownByText, TestAggregateRecorder):
    pass


class TestSnapshotRecorder(OnRapport, suites.AggregateRecorderTestCase):
    def create_recorder(self) -> recorders.RapportSnapshotRecorder:
        return recorders.RapportSnapshotRecorder(self.datastore())


class TestApplicationRecorder(OnRapport, suites.ApplicationRecorderTestCase[recorders.RapportApplicationRecorder]):
    def create_recorder(self) -> recorders.RapportApplicationRecorder:
        return recorders.RapportApplicationRecorder(self.datastore())

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestApplicationRecorderByText(KnownByText, TestApplicationRecorder):
    pass


class TestTrackingRecorder(OnRapport, suites.TrackingRecorderTestCase):
    def create_recorder(self) -> recorders.RapportTrackingRecorder:
        return recorders.RapportTrackingRecorder(self.datastore())


class TestProcessRecorder(OnRapport, suites.ProcessRecorderTestCase):
    def create_recorder(self) -> recorders.RapportProcessRecorder:
        return recorders.RapportProcessRecorder(self.datastore())


class TestProcessRecorderFollows(TestTrackingRecorder):
    def create_recorder(self) -> recorders.RapportProcessRecorder:
        return recorders.RapportProcessRecorder(self.datastore())


class TestProcessRecorderLeads(TestApplicationRecorder):
    def create_recorder(self) -> Any:
        return recorders.RapportProcessRecorder(self.datastore())


class TestNonInterleavingNotificationIDs(OnRapport, suites.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> recorders.RapportApplicationRecorder:
        return recorders.RapportApplicationRecorder(self.datastore())


class AnotherTrackingRecorder(recorders.RapportTrackingRecorder):
    pass


class TestFactory(suites.InfrastructureFactoryTestCase[factory.RapportFactory]):
    @pytest.fixture(autouse=True)
    def _environment(self, environment: dict[str, str]) -> None:
        self.env = Environment("TestCase", environment)

    def expected_factory_class(self) -> type[factory.RapportFactory]:
        return factory.RapportFactory

    def expected_aggregate_recorder_class(self) -> type[recorders.RapportAggregateRecorder]:
        return recorders.RapportAggregateRecorder

    def expected_application_recorder_class(self) -> type[recorders.RapportApplicationRecorder]:
        return recorders.RapportApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[recorders.RapportTrackingRecorder]:
        return recorders.RapportTrackingRecorder

    def tracking_recorder_subclass(self) -> type[recorders.RapportTrackingRecorder]:
        return AnotherTrackingRecorder

    def expected_process_recorder_class(self) -> type[recorders.RapportProcessRecorder]:
        return recorders.RapportProcessRecorder
