"""Stores that the demo data is loaded into, of which some break or are overtaken, and what is in them then."""

from uuid import UUID

from api.cli import demo
from api.cli.demo import DemoTenant
from commands.contacts.input import NameInput
from commands.ports import Append, Appended, Claim, StoreUnavailableError, StreamEvents, VersionConflictError
from domain.company import CompanyRegistered
from domain.contact import ContactRegistered
from domain.event import Actor, Metadata
from infra.clock import new_id, now
from infra.event_store.memory import MemoryEventStore

SMALL = demo.tenants(contacts=500)[0]


class PlainPasswords:
    """Hashes nothing: what is hashed does not matter here."""

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def verify(self, password: str, hashed: str | None) -> bool:
        return hashed == f"hash of {password}"

    def is_outdated(self, hashed: str) -> bool:
        return not hashed.startswith("hash of ")


class BreakingStore(MemoryEventStore):
    """A store that can't be reached after some appends."""

    appends_left = 1_000_000

    async def append(self, append: Append) -> Appended:
        if self.appends_left == 0:
            raise StoreUnavailableError
        self.appends_left -= 1
        return await super().append(append)


class OvertakenStore(MemoryEventStore):
    """A store in which another loader appends every other batch a moment before this one."""

    appends = 0

    async def append(self, append: Append) -> Appended:
        self.appends += 1
        if self.appends % 2 == 0:
            await super().append(append)
            raise VersionConflictError
        return await super().append(append)


async def load(store: MemoryEventStore, tenant: DemoTenant = SMALL, told: list[int] | None = None) -> UUID | None:
    return await demo.load(tenant, store, PlainPasswords(), now, new_id, (told if told is not None else []).append)


async def registered(store: MemoryEventStore, tenant_id: UUID) -> list[ContactRegistered]:
    log = await store.read(tenant_id, after=0, limit=100_000)
    return [item.event for item in log if isinstance(item.event, ContactRegistered)]


def expected(tenant: DemoTenant) -> list[str]:
    return [str(command.name.display) for command in tenant.contacts if isinstance(command.name, NameInput)]


async def displayed(store: MemoryEventStore, tenant_id: UUID) -> list[str | None]:
    return [event.name.display for event in await registered(store, tenant_id)]


async def append(
    store: MemoryEventStore,
    tenant_id: UUID,
    stream_id: UUID,
    event: CompanyRegistered | ContactRegistered,
    claim: tuple[str, str],
) -> None:
    await store.append(
        Append(
            tenant_id=tenant_id,
            command_id=new_id(),
            metadata=Metadata(actor=Actor("user", new_id()), correlation_id="c"),
            streams=(StreamEvents(stream_id, 0, (event,)),),
            occurred_at=now(),
            claims=(Claim(tenant_id, *claim, stream_id),),
        )
    )
