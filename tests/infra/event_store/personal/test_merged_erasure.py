"""B3, N-C1: what came into a contact by a merge is the other person's, and goes with the other person's keys."""

from uuid import UUID, uuid4

import pytest

from commands.ports import StreamEvents
from domain import contact as domain
from domain.contact import HELD, Contact, ContactAbsorbed, ContactMerged, Side
from infra.event_store.store import PostgresEventStore
from infra.keys.destruction import KeyDestroyer
from tests.conftest import Database
from tests.given import emails, registered
from tests.infra.event_store.appends import append
from tests.infra.event_store.catalogue import Connection
from tests.infra.event_store.people import process

pytestmark = pytest.mark.servers


async def state(store: PostgresEventStore, tenant: UUID, stream: UUID) -> Contact:
    found = None
    for item in await store.load(tenant, stream):
        found = domain.evolve(found, item.event, stream_id=stream, at=item.recorded_at)
    assert found is not None
    return found


async def test_erasing_who_was_merged_in_leaves_the_survivor_what_is_its_own(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    store, keyring = process(database)
    ada, twin = uuid4(), uuid4()
    people = {
        ada: registered("Ada", emails=emails("ada@engines.example"), external_ids={"erp": "7"}),
        twin: registered("Augusta", emails=emails("secret@king.example"), title="Lady", external_ids={"erp": "8"}),
    }
    for stream, event in people.items():
        await store.append(append(tenant, StreamEvents(stream, 0, (event,))))
    before, other = await state(store, tenant, ada), await state(store, tenant, twin)
    absorbed = ContactAbsorbed(
        subject_id=twin, choose={"name": Side.FROM}, **{name: getattr(other, name) for name in HELD}
    )
    merged = StreamEvents(twin, 1, (ContactMerged(into=ada),))
    await store.append(append(tenant, StreamEvents(ada, 1, (absorbed,)), merged))
    shown = await state(process(database)[0], tenant, ada)
    assert (shown.name.display, shown.title, len(shown.emails)) == ("Augusta", "Lady", 2)

    await KeyDestroyer(database.appends, keyring).destroy(tenant, twin)

    after = await state(process(database)[0], tenant, ada)
    assert {name: getattr(after, name) for name in HELD} == {name: getattr(before, name) for name in HELD}
    assert after.merged_from == (twin,)
    stored = admin.execute(
        "SELECT string_agg(encode(data, 'escape'), '') FROM store.event WHERE tenant_id = %s", (tenant,)
    )
    assert "king.example" not in str(stored.fetchone())
