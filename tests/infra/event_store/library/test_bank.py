"""A program of the library runs on our schema by three lines of environment (docs/eventsourcing.md)."""

from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent, TrackingRecorder
from eventsourcing.projection import ProjectionRunner

from infra.event_store.library.datastore import RapportDatastore
from infra.event_store.library.factory import TENANT
from infra.event_store.library.recorders import RapportApplicationRecorder, RapportTrackingRecorder
from infra.postgres import RECORDER
from projections.registry import POSTGRES
from tests.conftest import Database
from tests.infra.event_store.library.bank import Account, Bank, Turnover
from tests.projections.reading import catch_up, checkpoints

pytestmark = pytest.mark.servers


@pytest.mark.usefixtures("environment")
def test_a_bank_keeps_its_accounts_here() -> None:
    with Bank() as bank:
        ada, grace = bank.open("Ada"), bank.open("Grace")
        account = bank.account(ada)
        account.deposit(500)
        bank.save(account)
        bank.move(ada, grace, 200)
        assert [notification.id for notification in bank.notification_log.select(1, 10)] == [1, 2, 3, 4, 5]
        assert bank.snapshots is not None
        assert [snapshot.originator_version for snapshot in bank.snapshots.get(ada)] == [3]
    with Bank() as again:
        assert (again.account(ada).balance, again.account(grace).balance) == (300, 200)
        with pytest.raises(ValueError, match="not enough"):
            again.move(ada, grace, 301)


@pytest.mark.usefixtures("environment")
def test_of_two_who_change_an_account_at_once_one_has_to_do_it_again() -> None:
    with Bank() as bank:
        ada = bank.open("Ada")
        first, second = bank.account(ada), bank.account(ada)
        first.deposit(1)
        second.deposit(2)
        bank.save(first)
        with pytest.raises(IntegrityError):
            bank.save(second)
        assert bank.account(ada).balance == 1


@pytest.mark.usefixtures("environment")
def test_a_projection_follows_and_goes_on_where_it_was(datastore: RapportDatastore) -> None:
    def runner() -> ProjectionRunner[Bank, TrackingRecorder]:
        return ProjectionRunner(application_class=Bank, projection_class=Turnover, view_class=RapportTrackingRecorder)

    with runner() as running:
        ada, grace = running.app.open("Ada"), running.app.open("Grace")
        account = running.app.account(ada)
        account.deposit(500)
        recordings = running.app.save(account)
        running.wait(recordings[-1].notification.id)
        assert running.projection.pence == 500  # type: ignore[attr-defined]
    with runner() as running:
        running.app.move(ada, grace, 200)
        running.wait(5)
        assert running.projection.pence == 200  # type: ignore[attr-defined]
    assert RapportTrackingRecorder(datastore, "Turnover").max_tracking_id("Bank") == 5


def test_two_banks_have_a_tenant_each(environment: dict[str, str]) -> None:
    """R6.2: by names before the variables, as the library has it."""
    tenants = {f"{name}_{TENANT}": str(uuid4()) for name in ("NORTH", "SOUTH")}
    banks = [type(name, (Bank,), {"name": name})(environment | tenants) for name in ("North", "South")]
    north, south = banks
    with north, south:
        ada = north.open("Ada")
        assert north.recorder.max_notification_id() == 1
        assert south.recorder.max_notification_id() is None
        assert list(south.events.get(ada)) == []


async def test_our_read_models_pass_over_the_events_of_the_library(database: Database) -> None:
    """Invariant 3: nor does a tenant of the library hold up the projector."""
    tenant = uuid4()
    with RapportDatastore(database.dsns[RECORDER], tenant) as datastore:
        opened = StoredEvent(UUID(int=7), 0, f"{Account.__module__}:Account.Opened", b"\xff")
        RapportApplicationRecorder(datastore).insert_events([opened])
    await catch_up(database, tenant)
    assert set(checkpoints(database, tenant).values()) == {1}
    assert len(checkpoints(database, tenant)) == len(POSTGRES)
