"""Who has an e-mail or a phone: exact, for imports that look whole portions of rows up at once."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from domain.contact import EVENTS, ContactChanged, ContactDeleted, ContactRegistered
from domain.event import Event, Recorded, topics
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.contact_address_v1 (
    tenant_id  uuid NOT NULL,
    contact_id uuid NOT NULL,
    kind       text NOT NULL,
    address    text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, contact_id, kind, address)
);
CREATE INDEX ON read.contact_address_v1 (tenant_id, kind, address);
"""
_FORGET = "DELETE FROM contact_address_v1 WHERE tenant_id = %s AND contact_id = ANY(%s) AND kind = %s"
_SAVE = """
INSERT INTO contact_address_v1
SELECT %s, r.contact_id, r.kind, r.address
  FROM jsonb_to_recordset(%s::jsonb) AS r (contact_id uuid, kind text, address text)
"""
# One look-up by key for each, whatever the statistics say.
_WHO = """SELECT a.address, a.contact_id FROM unnest(%s::text[]) AS u (address)
 CROSS JOIN LATERAL (
       SELECT c.address, c.contact_id FROM read.contact_address_v1 c
        WHERE c.tenant_id = %s AND c.kind = %s AND c.address = u.address OFFSET 0) a"""

EMAIL, PHONE = "email", "phone"


async def who_has(
    connection: Connection, tenant_id: UUID, kind: str, addresses: Collection[str]
) -> dict[str, list[UUID]]:
    """The contacts that have one of these e-mails (in lower case) or phones (E.164), by address."""
    found: dict[str, list[UUID]] = {}
    if addresses:
        for address, contact_id in await (
            await connection.execute(_WHO, (list(addresses), tenant_id, kind))
        ).fetchall():
            found.setdefault(address, []).append(contact_id)
    return found


def _now(before: Mapping[str, frozenset[str]], event: Event) -> dict[str, frozenset[str]]:
    """The addresses of a contact that an event is about, by kind; a kind that is not in it is as before."""
    match event:
        case ContactRegistered():
            return {EMAIL: _emails(event.emails), PHONE: _phones(event.phones)}
        case ContactDeleted():
            return {EMAIL: frozenset(), PHONE: frozenset()}
        case ContactChanged():
            now = dict(before)
            if event.emails is not msgspec.UNSET:
                now[EMAIL] = _emails(event.emails)
            if event.phones is not msgspec.UNSET:
                now[PHONE] = _phones(event.phones)
            return now
        case _:
            return dict(before)


def _emails(items: Any) -> frozenset[str]:
    return frozenset(each.value.lower() for each in items)


def _phones(items: Any) -> frozenset[str]:
    return frozenset(each.value for each in items)


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    now: dict[UUID, dict[str, frozenset[str]]] = {}
    new = {item.stream_id for item in events if item.version == 1}
    for item in events:
        now[item.stream_id] = _now(now.get(item.stream_id, {}), item.event)
    for kind in (EMAIL, PHONE):
        if gone := [each for each, addresses in now.items() if each not in new and kind in addresses]:
            await connection.execute(_FORGET, (tenant_id, gone, kind))
    rows = [
        {"contact_id": each, "kind": kind, "address": address}
        for each, kinds in now.items()
        for kind, addresses in kinds.items()
        for address in sorted(addresses)
    ]
    if rows:
        await connection.execute(_SAVE, (tenant_id, msgspec.json.encode(rows).decode()))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    now: dict[str, frozenset[str]] = {}
    for item in events:
        now = _now(now, item.event)
    tenant_id, contact_id = events[0].tenant_id, events[0].stream_id
    rows: list[tuple[Any, ...]] = [
        (tenant_id, contact_id, kind, address) for kind, addresses in now.items() for address in sorted(addresses)
    ]
    return {"contact_address_v1": rows}


PROJECTION = Projection(
    name="contact_address",
    version=1,
    topics=topics(EVENTS),
    tables=("contact_address_v1",),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
    stream_column="contact_id",
)
