"""The demo data, and how it gets into a store."""

import unicodedata
from collections import Counter
from datetime import timedelta
from random import Random
from uuid import UUID

import msgspec
import pytest

from api.cli import demo
from api.cli.demo_activity import DAYS, activity
from api.cli.demo_people import PHONES
from commands.companies import company
from commands.contacts import contact
from commands.decision import Context, Given
from commands.handle import Handler
from commands.identity.accounts import EMAIL_CLAIM, NewTenant
from commands.ports import StoreUnavailableError
from commands.registry_identity import REGISTER_TENANT
from domain.company import CompanyRegistered
from domain.contact import Contact, ContactRegistered, Name
from domain.errors import DomainError
from domain.event import Actor, Metadata
from domain.lead_status import Act
from domain.tenant import PLATFORM, TenantRegistered
from domain.user import UserRegistered
from infra.clock import new_id, now
from infra.event_store.memory import MemoryEventStore
from tests.api.cli.loading import (
    SMALL,
    BreakingStore,
    OvertakenStore,
    append,
    displayed,
    expected,
    load,
    registered,
)
from tests.given import START


def test_there_are_three_companies_with_5000_contacts_in_all() -> None:
    made = demo.tenants()
    assert [len(tenant.contacts) for tenant in made] == [3000, 1500, 500]
    assert len({tenant.admin_email for tenant in made}) == 3
    assert {tenant.password for tenant in made} == {"rapport demo 2026"}


def test_the_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    assert demo.tenants(3, 100) == demo.tenants(3, 100)
    assert demo.tenants(3, 100) != demo.tenants(4, 100)


def test_every_contact_is_one_that_the_api_would_take() -> None:
    for tenant in demo.tenants():
        for command in tenant.contacts:
            decided = contact.register(command, nothing_known())
            assert isinstance(decided.events[0], ContactRegistered)


def test_names_are_written_in_many_scripts() -> None:
    names = [name for tenant in demo.tenants() for name in expected(tenant)]
    scripts = Counter(unicodedata.name(name[0]).split()[0] for name in names)
    wanted = {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HANGUL", "DEVANAGARI"}
    assert wanted <= scripts.keys(), scripts
    assert any("DIAERESIS" in unicodedata.name(sign) for name in names for sign in name if sign != " ")


def test_no_address_and_no_number_is_anybodys() -> None:
    ranges = [pattern.rstrip("X ").replace(" ", "") for region in PHONES.values() for pattern in region]
    for tenant in demo.tenants():
        assert tenant.admin_email.endswith(".example")
        for command in tenant.contacts:
            assert all(email.value.isascii() and email.value.endswith(".example") for email in command.emails or ())
            for phone in command.phones or ():
                assert phone.value.replace(" ", "").startswith(tuple(start.rstrip("X") for start in ranges))


def test_every_contact_has_an_address_or_a_number_and_work_addresses_are_not_shared() -> None:
    contacts = demo.tenants()[0].contacts
    assert all(command.emails or command.phones for command in contacts)
    work = [email.value for command in contacts for email in command.emails or () if email.kind == "work"]
    assert len(set(work)) == len(work)
    assert len({command.company for command in contacts}) > 200


async def test_loading_makes_the_tenant_its_admin_and_every_contact_once() -> None:
    store, told = MemoryEventStore(now), list[int]()
    tenant_id = await load(store, told=told)
    assert tenant_id
    log = await store.read(tenant_id, after=0, limit=10_000)
    assert log[0].event == TenantRegistered(name=SMALL.name)
    admin = log[1]
    assert isinstance(admin.event, UserRegistered)
    assert (admin.event.email, admin.event.roles) == (SMALL.admin_email, ("admin",))
    assert admin.event.password_hash == f"hash of {SMALL.password}"
    contacts = [item for item in log if isinstance(item.event, ContactRegistered)]
    assert len({item.stream_id for item in contacts}) == len(SMALL.contacts) == sum(told)
    assert {item.stream_id.version for item in contacts} == {7}
    assert {item.metadata.actor for item in contacts} == {Actor("user", admin.stream_id)}
    assert {item.event.owner_id for item in contacts if isinstance(item.event, ContactRegistered)} == {admin.stream_id}


async def test_a_company_is_made_once_and_found_by_its_name() -> None:
    store = MemoryEventStore(now)
    tenant_id = await load(store)
    assert tenant_id
    log = await store.read(tenant_id, after=0, limit=10_000)
    companies = {item.stream_id: item.event.name for item in log if isinstance(item.event, CompanyRegistered)}
    assert len(set(companies.values())) == len(companies)
    named = [companies[item.company_id] if item.company_id else None for item in await registered(store, tenant_id)]
    assert named == [command.company for command in SMALL.contacts]
    for company_id, name in companies.items():
        holder = await store.holder(tenant_id, *company.lookup(name))
        assert holder
        assert holder.stream_id == company_id


async def test_loading_twice_changes_nothing() -> None:
    store, told = MemoryEventStore(now), list[int]()
    tenant_id = await load(store)
    assert tenant_id
    head = await store.head(tenant_id)
    assert await load(store, told=told) is None
    assert await store.head(tenant_id) == head
    assert sum(told) == len(SMALL.contacts)


@pytest.mark.parametrize("appends", [1, 2, 3])
async def test_a_load_that_was_cut_short_is_completed_by_the_next_one(appends: int) -> None:
    store = BreakingStore(now)
    store.appends_left = appends
    with pytest.raises(StoreUnavailableError):
        await load(store)
    store.appends_left = 100
    tenant_id = await load(store)
    assert tenant_id
    assert await displayed(store, tenant_id) == expected(SMALL)


async def test_what_passed_with_the_contacts_is_loaded_once_and_completed() -> None:
    store = BreakingStore(now)
    store.appends_left = 6  # sign-up, three of contacts, one of leads, one of interactions
    with pytest.raises(StoreUnavailableError):
        await load(store)
    store.appends_left = 100
    tenant_id = await load(store)
    assert tenant_id
    log = await store.read(tenant_id, after=0, limit=100_000)
    told = Counter(type(item.event).__name__ for item in log)
    assert (told["LeadRegistered"], told["InteractionLogged"], told["NoteAdded"]) == (18, 120, 3)
    assert told["LeadConverted"] == told["CustomerRegistered"] + told["CustomerLeadAdded"] > 0


def test_activity_is_of_the_past_half_year_in_all_statuses_and_the_same_every_time() -> None:
    made = activity(Random(1), 3000, START, "EUR")  # noqa: S311  no secret
    assert made == activity(Random(1), 3000, START, "EUR")  # noqa: S311
    earliest = START - timedelta(days=DAYS)
    for _, lead in made.leads:
        times = [lead.occurred_at, *(move.occurred_at for move in lead.moves or ())]
        assert [each for each in times if each] == sorted(each for each in times if each and earliest <= each < START)
    last = Counter(lead.moves[-1].act if lead.moves else None for _, lead in made.leads)
    assert set(last) >= {None, Act.QUALIFY, Act.NURTURE, Act.CONVERT, Act.LOSE}
    assert (len(made.leads), len(made.interactions), len(made.notes)) == (180, 1200, 30)
    assert sum(contact is None for contact, _, _ in made.interactions) == 30


async def test_a_larger_demo_adds_what_the_smaller_one_lacked() -> None:
    store = MemoryEventStore(now)
    few = msgspec.structs.replace(SMALL, contacts=SMALL.contacts[:150])
    tenant_id = await load(store, few)
    assert tenant_id
    assert await load(store) == tenant_id
    assert await displayed(store, tenant_id) == expected(SMALL)


async def test_two_loads_at_once_load_every_contact_once() -> None:
    store = OvertakenStore(now)
    tenant_id = await load(store)
    assert tenant_id
    assert await displayed(store, tenant_id) == expected(SMALL)


async def test_a_company_that_people_added_meanwhile_is_used() -> None:
    store = BreakingStore(now)
    store.appends_left = 1
    with pytest.raises(StoreUnavailableError):
        await load(store)
    store.appends_left = 100
    owner = await store.holder(PLATFORM, EMAIL_CLAIM, SMALL.admin_email)
    assert owner
    name = next(command.company for command in SMALL.contacts if isinstance(command.company, str))
    theirs = new_id()
    await append(store, owner.tenant_id, theirs, CompanyRegistered(name=name), company.lookup(name))
    tenant_id = await load(store)
    assert tenant_id
    linked = {item.company_id for item in await registered(store, tenant_id)}
    assert theirs in linked


async def test_an_external_id_that_another_contact_has_stops_the_load() -> None:
    store = BreakingStore(now)
    store.appends_left = 1
    with pytest.raises(StoreUnavailableError):
        await load(store)
    store.appends_left = 100
    owner = await store.holder(PLATFORM, EMAIL_CLAIM, SMALL.admin_email)
    assert owner
    taken = next(command.external_ids["erp"] for command in SMALL.contacts if command.external_ids)
    event = ContactRegistered(name=Name(display="Somebody"))
    await append(store, owner.tenant_id, new_id(), event, ("contact.external_id/erp", str(taken)))
    with pytest.raises(DomainError) as refused:
        await load(store)
    assert refused.value.code == "contact.external_ids_taken"


async def test_a_company_of_somebody_else_under_the_demo_address_is_left_alone() -> None:
    store = MemoryEventStore(now)
    tenant_id, user_id = new_id(), new_id()
    command = NewTenant(tenant_name="Ours", name="A", email=SMALL.admin_email, password_hash="x", user_id=user_id)
    context = Context(tenant_id=tenant_id, metadata=Metadata(actor=Actor("user", user_id), correlation_id="c"))

    async def nothing(_tenant: UUID, _kind: str, _value: str) -> None: ...

    handler = Handler(store, now, new_id, nothing)
    await handler.handle(context, REGISTER_TENANT, lambda: (command, ()), stream_id=tenant_id)
    assert await load(store) is None
    assert await store.head(tenant_id) == 2


def nothing_known() -> Given[Contact]:
    return Given(
        tenant_id=new_id(), stream_id=new_id(), state=None, now=now(), new_id=new_id, caller=new_id(), found={}
    )
