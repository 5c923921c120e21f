"""R3.1: custom fields are known as of the last commit, whichever process made it, without a look of their own."""

import pytest

from commands.custom_fields.definitions import PutByKey, PutField
from commands.decision import Context
from commands.handle import Handler
from commands.registry import PUT_CUSTOM_FIELD
from domain.custom_field import CustomField, FieldType, RecordKind, stream_of
from infra import clock
from infra.access.authorization import PostgresAuthorization
from infra.event_store.finder import find
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.infra.access.test_authorization import signed_in
from tests.infra.event_store.appends import METADATA

pytestmark = pytest.mark.servers


async def test_a_field_is_known_to_the_very_next_request_of_every_process(database: Database) -> None:
    store = PostgresEventStore(database.appends, database.service, SECRET)
    claims = await signed_in(database, store, "sales")
    here, there = (PostgresAuthorization(database.appends) for _ in range(2))
    handler = Handler(store, clock.now, clock.new_id, find(store), custom=here.custom)

    async def put(label: str) -> CustomField:
        asked = PutByKey(RecordKind.CONTACT, "x", PutField(label=label, type=FieldType.TEXT))
        context = Context(tenant_id=claims.tenant_id, metadata=METADATA)
        stream_id = stream_of(claims.tenant_id, RecordKind.CONTACT, "x")
        return (await handler.handle(context, PUT_CUSTOM_FIELD, lambda: (asked, ()), stream_id=stream_id)).state

    for process in (here, there):
        assert (await process.principal(claims)).custom == {}
    for label in ("X", "Y"):
        made = await put(label)
        for process in (here, there, PostgresAuthorization(database.appends)):
            known = (await process.principal(claims)).custom[RecordKind.CONTACT]["x"]
            assert (known.id, known.version, known.label) == (made.id, made.version, label)
            assert (await process.custom(claims.tenant_id))[RecordKind.CONTACT]["x"] == known
