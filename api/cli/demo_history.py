"""How what passed with the contacts of a demo company is loaded: once, wherever a load before was cut short."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from msgspec import structs

from api.cli.demo_activity import Activity, activity
from commands.batch.batches import Batches
from commands.batch.items import Asked
from commands.decision import Context, Lookup
from commands.interactions import rich_text
from commands.interactions.note import AddNote
from commands.normalise import Problems
from commands.ports import Clock, EventStore, NewId
from commands.registry import ADD_NOTE, LOG_INTERACTION, REGISTER_LEAD
from domain.errors import DomainError

BATCH = 100
"""Records of one append."""
_NOTE = structs.replace(ADD_NOTE, creates=True, starts=False)
"""A note that is there already is not to be added to."""
_RECORDS = frozenset({"contact", "lead", "user", "company"})


async def load(
    context: Context,
    contacts: int,
    contact_id: Callable[[int], UUID],
    currency: str,
    store: EventStore,
    clock: Clock,
    new_id: NewId,
    stopped: Callable[[], bool],
) -> int:
    """Add what is missing of it; returns how many records that were. All that it is about must be there.

    Ids follow from the tenant's, and appends from their order, so what is there is found by its ids.

    Raises:
        DomainError: what was made up can't be stored.
        StoreUnavailableError: the store can't be reached.
    """
    tenant_id = context.tenant_id
    made = activity(Random(currency), contacts, _began(tenant_id), currency)  # noqa: S311  demo data, no secret

    async def find_all(_: UUID, wanted: Collection[Lookup]) -> Mapping[Lookup, UUID]:
        there = {(kind, value): UUID(value) for kind, value in wanted if kind in _RECORDS}
        claims = set(wanted) - there.keys()
        return there | dict(await store.holders(tenant_id, claims) if claims else {})

    batches = Batches(store, clock, new_id, find_all)
    added = 0
    for kind in (_leads, _interactions, _notes):
        items = list(kind(tenant_id, made, contact_id))
        for at in range(0, len(items), BATCH):
            portion = items[at : at + BATCH]
            if stopped():
                return added
            if not await _is_there(store, tenant_id, portion):
                added += await _append(batches, store, context, portion)
    return added


def _began(tenant_id: UUID) -> datetime:
    """When the tenant was made, as its id says: what has passed is the same whenever a load goes on."""
    return datetime.fromtimestamp((tenant_id.int >> 80) / 1000, UTC)


async def _append(batches: Batches, store: EventStore, context: Context, portion: Sequence[Asked]) -> int:
    try:
        outcome = await batches.handle(context, portion)
    except DomainError:
        if await _is_there(store, context.tenant_id, portion):
            return 0  # another loader was faster
        raise
    for result in outcome.results:
        if result.error:
            raise result.error
    return len(portion)


async def _is_there(store: EventStore, tenant_id: UUID, portion: Sequence[Asked]) -> bool:
    first = portion[0].stream_id
    return first is not None and bool(await store.load(tenant_id, first))


def _leads(tenant_id: UUID, made: Activity, contact_id: Callable[[int], UUID]) -> Iterator[Asked]:
    for number, (contact, lead) in enumerate(made.leads):
        command = structs.replace(lead, contact_id=contact_id(contact))
        yield Asked(case=REGISTER_LEAD, command=command, stream_id=_id(tenant_id, "lead", number))


def _interactions(tenant_id: UUID, made: Activity, contact_id: Callable[[int], UUID]) -> Iterator[Asked]:
    for number, (contact, lead, told) in enumerate(made.interactions):
        command = structs.replace(
            told,
            contact_id=None if contact is None else contact_id(contact),
            lead_id=None if lead is None else _id(tenant_id, "lead", lead),
        )
        yield Asked(case=LOG_INTERACTION, command=command, stream_id=_id(tenant_id, "interaction", number))


def _notes(tenant_id: UUID, made: Activity, contact_id: Callable[[int], UUID]) -> Iterator[Asked]:
    for number, (contact, html) in enumerate(made.notes):
        command = AddNote(contact_id(contact), rich_text.written(html, "/html", Problems()))
        yield Asked(case=_NOTE, command=command, stream_id=_id(tenant_id, "note", number))


def _id(tenant_id: UUID, kind: str, number: int) -> UUID:
    """A UUID of version 7 with the tenant's time; the rest follows from what it is of."""
    digest = hashlib.sha256(tenant_id.bytes + f"{kind}/{number}".encode()).digest()
    raw = bytearray(tenant_id.bytes[:6] + digest[:10])
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return UUID(bytes=bytes(raw))
