"""People in the log, with words in everything that is personal of them, and what is stored of that."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from commands.ports import Append, StreamEvents
from domain.contact import Email, Name, Phone
from domain.event import Actor, Event, Metadata
from domain.user import UserRegistered
from infra.event_store.store import PostgresEventStore
from infra.keys.destruction import KeyDestroyer
from infra.keys.keyring import Keyring
from infra.keys.master import local_master
from tests.conftest import SECRET, Database
from tests.given import changed, registered
from tests.infra.event_store.appends import append
from tests.infra.event_store.catalogue import Connection

WORDS = ("Tamerlane", "tamer@horde.example", "+998711234567", "Emir", "conqueror", "samarkand-17", "$2b$lame")
"""Each is in one member or another of `a_contact` and `a_user`; none is in what is stored of them."""

ADDRESS = "203.0.113.77"


def a_contact(**fields: Any) -> Event:
    """A contact with something in every member."""
    known: dict[str, Any] = {
        "name": Name("Tamerlane", None, "Tamerlane"),
        "emails": (Email("tamer@horde.example", primary=True),),
        "phones": (Phone("+998711234567", primary=True),),
        "title": "Emir",
        "tags": ("conqueror",),
        "external_ids": {"crm": "samarkand-17"},
    }
    return registered(**known | fields)


def a_change() -> Event:
    """A change of every member."""
    return changed(
        name=Name("Timur", None, "Tamerlane Timur"),
        emails=(Email("tamer@horde.example"),),
        phones=(Phone("+998711234567"),),
        title="Emir",
        tags=("conqueror",),
        external_ids={"crm": "samarkand-17"},
    )


def a_user() -> Event:
    """A user."""
    return UserRegistered(name="Tamerlane", email="tamer@horde.example", password_hash="$2b$lame", roles=("admin",))


def events(tenant: UUID, stream: UUID, *told: Event, after: int = 0, actor: UUID | None = None) -> Append:
    """Events of one stream, asked for from an address."""
    who = Actor("user", actor) if actor else Actor("system")
    metadata = Metadata(actor=who, correlation_id="test", address=ADDRESS)
    return append(tenant, StreamEvents(stream, after, told), metadata=metadata)


def process(database: Database) -> tuple[PostgresEventStore, Keyring]:
    """A store as a process has it that has just started, and its keys."""
    keyring = Keyring(database.service, local_master(SECRET))
    return PostgresEventStore(database.appends, database.service, SECRET, keyring=keyring), keyring


async def person(store: PostgresEventStore, tenant: UUID, changes: int = 1) -> UUID:
    """A contact in the log."""
    stream = uuid4()
    await store.append(events(tenant, stream, a_contact(), *[a_change() for _ in range(changes)]))
    return stream


def stored(admin: Connection, tenant: UUID) -> list[bytes]:
    """Everything in the log of a tenant that could hold words."""
    rows: Sequence[Any] = admin.execute(
        "SELECT data, metadata FROM store.event WHERE tenant_id = %s ORDER BY position", (tenant,)
    ).fetchall()
    return [value for row in rows for value in row]


def forget(admin: Connection, tenant: UUID) -> None:
    """A tenant whose log can't be opened is nobody else's business."""
    for table in ("event", "tenant_head", "claim", "command", "data_key", "tenant_key", "erased_subject"):
        admin.execute(f"DELETE FROM store.{table} WHERE tenant_id = %s".encode(), (tenant,))


def living_keys(admin: Connection, tenant: UUID, subject: UUID) -> int:
    query = "SELECT count(*) FROM store.data_key WHERE tenant_id = %s AND subject = %s AND wrapped IS NOT NULL"
    row = admin.execute(query, (tenant, subject)).fetchone()
    assert row is not None
    return int(row[0])


async def destroy(database: Database, keyring: Keyring, tenant: UUID, subject: UUID) -> int:
    return await KeyDestroyer(database.appends, keyring).destroy(tenant, subject)


def blank(item: Any) -> bool:
    """Whether nothing personal is left in an event of a contact."""
    event = item.event
    shown = (event.name, event.emails, event.phones, event.title, event.tags, event.external_ids)
    return bool(item.erased and shown == (Name(), (), (), None, (), {}))
