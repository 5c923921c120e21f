"""The library's suites for whole programs: applications and projections that know our recorders by name only."""

import os
from typing import ClassVar
from uuid import uuid4

import pytest
from eventsourcing.tests import application, projection

from infra.event_store.library.datastore import RapportDatastore
from infra.event_store.library.factory import TENANT
from tests.infra.event_store.library.counters import Counters, make_table

# One of the suites asks for a warning; here warnings are errors.
pytestmark = [pytest.mark.servers, pytest.mark.filterwarnings("default::DeprecationWarning")]


@pytest.fixture(scope="module", autouse=True)
def _table(recorder_admin: str) -> None:
    make_table(recorder_admin)


class TestExampleApplication(application.ExampleApplicationTestCase):
    expected_factory_topic = "infra.event_store.library.factory:RapportFactory"

    @pytest.fixture(autouse=True)
    def _environment(self, environment: dict[str, str]) -> None:
        assert TENANT in environment


class TestApplication(application.ApplicationTestCase):
    @pytest.fixture(autouse=True)
    def _environment(self, environment: dict[str, str]) -> None:
        assert TENANT in environment


class TestCountersView(projection.EventCountersViewTestCase):
    datastore: RapportDatastore

    @pytest.fixture(autouse=True)
    def _datastore(self, datastore: RapportDatastore) -> None:
        self.datastore = datastore

    def construct_event_counters_view(self) -> projection.EventCountersView:
        return Counters(self.datastore)


class TestProjection(projection.AggregateEventCountersProjectionTestCase):
    view_class = Counters
    env: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _environment(self, environment: dict[str, str]) -> None:
        assert TENANT in environment


class TestEventSourcedProjection(projection.EventSourcedProjectionTestCase):
    """It appends events of its own, so it has a tenant of its own."""

    @pytest.fixture(autouse=True)
    def _environment(self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        assert TENANT in environment
        monkeypatch.setitem(os.environ, f"COUNTERS_{TENANT}", str(uuid4()))
