"""Invariant 3: after any commands a read model equals a fresh fold of the log, and building it anew changes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.companies.input import ChangeCompany, DeleteCompany, Placed, RestoreCompany
from commands.contacts.input import ChangeContact, DeleteContact, RegisterContact
from commands.custom_fields.definitions import PutByKey, PutField
from commands.decision import Context
from commands.handle import Handler, UseCase
from commands.registry import (
    CHANGE_COMPANY,
    CHANGE_CONTACT,
    DELETE_COMPANY,
    DELETE_CONTACT,
    PUT_CUSTOM_FIELD,
    REGISTER_CONTACT,
    RESTORE_COMPANY,
)
from domain.company import Company, CompanyRegistered
from domain.custom_field import FieldType, RecordKind, stream_of
from domain.errors import DomainError
from infra import clock
from infra.access.authorization import PostgresAuthorization
from infra.event_store.finder import find
from infra.event_store.store import PostgresEventStore
from infra.keys.master import local_master
from projections.registry import POSTGRES
from tests.conftest import SECRET, Database
from tests.faults.check import check
from tests.infra.event_store.appends import METADATA
from tests.projections.reading import catch_up, checkpoints, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

Step = tuple[str, int, Mapping[str, Any], bool]

words = st.sampled_from(["Ada", "Grace", "Zoë", "O'Brien", "山田", "Ada Lovelace", "nordwind"])
numbers = st.sampled_from([0, -7, 12.5, 1e-7, 0.1, 999_999_999_999_999])
bodies = st.fixed_dictionaries(
    {},
    optional={
        "name": words,
        "email": words.map(lambda word: f"{abs(hash(word)) % 1000}@x.example"),
        "company": words | st.none(),
        "title": words | st.none(),
        "tags": st.lists(words, max_size=3),
        "external_ids": st.dictionaries(st.sampled_from(["crm", "erp"]), st.sampled_from("12"), max_size=2),
        "custom": st.fixed_dictionaries({}, optional={"x": words | st.none(), "n": numbers | st.none()}) | st.none(),
    },
)
steps = st.tuples(
    st.sampled_from(["register", "register", "change", "change", "change", "delete", "rename", "close", "reopen"]),
    st.integers(0, 4),
    bodies,
    st.booleans(),
)


class Asker:
    """A tenant, asked by the real handler on the real store."""

    def __init__(self, database: Database) -> None:
        self.tenant = uuid4()
        self.database = database
        self._store = store = PostgresEventStore(database.appends, database.service, SECRET)
        self._custom = PostgresAuthorization(database.appends).custom
        self._handler = Handler(store, clock.now, clock.new_id, find(store), custom=self._custom)
        self._context = Context(tenant_id=self.tenant, metadata=METADATA)
        self.contacts: list[UUID] = []
        self.refused = 0

    async def ask(self, step: Step) -> None:
        """Carry it out, if it can be."""
        kind, which, body, reads = step
        if reads:
            await catch_up(self.database, self.tenant)
        try:
            await self._ask(kind, which, body)
        except DomainError:
            self.refused += 1

    async def define(self) -> None:
        """Custom fields for contacts."""
        for key, kind in (("x", FieldType.TEXT), ("n", FieldType.NUMBER)):
            await self._define(PutByKey(RecordKind.CONTACT, key, PutField(label=key, type=kind)))

    async def _define(self, asked: PutByKey) -> None:
        stream_id = stream_of(self.tenant, asked.kind, asked.key)
        await self._handler.handle(self._context, PUT_CUSTOM_FIELD, lambda: (asked, ()), stream_id=stream_id)

    async def _ask(self, kind: str, which: int, body: Mapping[str, Any]) -> None:
        if kind == "register":
            command = msgspec.convert({"name": "Ada", **body}, RegisterContact)
            made = await self._handler.handle(self._context, REGISTER_CONTACT, lambda: (command, ()))
            self.contacts.append(made.stream_id)
        elif kind in {"rename", "close", "reopen"}:
            await self._company(kind, which, body)
        elif self.contacts:
            stream = self.contacts[which % len(self.contacts)]
            if kind == "change":
                patch = msgspec.convert(body, ChangeContact)
                await self._handler.handle(self._context, CHANGE_CONTACT, lambda: (patch, ()), stream_id=stream)
            else:
                await self._handler.handle(
                    self._context, DELETE_CONTACT, lambda: (DeleteContact(), ()), stream_id=stream
                )

    async def _company(self, kind: str, which: int, body: Mapping[str, Any]) -> None:
        log = await self._store.read(self.tenant, after=0, limit=10_000)
        companies = [item.stream_id for item in log if isinstance(item.event, CompanyRegistered)]
        if not companies:
            return
        stream, name = companies[which % len(companies)], body.get("name", "Engines")
        asked: dict[str, tuple[UseCase[Any, Company], Any]] = {
            "rename": (CHANGE_COMPANY, Placed(ChangeCompany(name=name, size=which, domain="x.example"))),
            "close": (DELETE_COMPANY, DeleteCompany()),
            "reopen": (RESTORE_COMPANY, RestoreCompany()),
        }
        case, command = asked[kind]
        await self._handler.handle(self._context, case, lambda: (command, ()), stream_id=stream)


@given(st.lists(steps, min_size=1, max_size=15))
@settings(max_examples=20)
async def test_after_any_commands_the_read_model_is_a_fold_of_the_log(
    database: Database, sequence: Sequence[Step]
) -> None:
    asker = Asker(database)
    await asker.define()
    for step in sequence:
        await asker.ask(step)
    await catch_up(database, asker.tenant)
    report = check(database.admin_dsn, local_master(SECRET), [asker.tenant])
    assert report.problems == []
    assert report.contacts == len(asker.contacts)


@given(st.lists(steps, min_size=5, max_size=25))
@settings(max_examples=6)
async def test_building_a_tenants_rows_anew_gives_the_same(database: Database, sequence: Sequence[Step]) -> None:
    """B6."""
    asker = Asker(database)
    await asker.define()
    for step in sequence:
        await asker.ask(step)
    await catch_up(database, asker.tenant)
    before, at = contents(database, asker.tenant), checkpoints(database, asker.tenant)
    async with Workshop.on(database) as workshop:
        for projection in POSTGRES:
            assert await workshop.mend(asker.tenant, projection=projection) == next(iter(at.values()), 0)
            await catch_up(database, asker.tenant)
        assert all(not each.differences for each in await workshop.verify(asker.tenant))
    assert contents(database, asker.tenant) == before
    assert checkpoints(database, asker.tenant) == at
