"""Contacts as they are now: one row each, folded by the domain's own `evolve`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from domain import contact as domain
from domain.contact import Contact
from domain.event import Event, Recorded, topics
from projections.folding import evolved, json_text, text_array
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.contact_v1 (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    version      integer NOT NULL,
    position     bigint NOT NULL,
    name         jsonb NOT NULL,
    emails       jsonb NOT NULL,
    phones       jsonb NOT NULL,
    company_id   uuid,
    title        text,
    tags         text[] NOT NULL,
    owner_id     uuid,
    external_ids jsonb NOT NULL,
    lifecycle    text NOT NULL,
    custom       jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    deleted_at   timestamptz,
    sort_name    text NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
-- Nothing is looked for by a whole document: statistics of them would be most of what ANALYZE does.
ALTER TABLE read.contact_v1 ALTER name SET STATISTICS 0, ALTER emails SET STATISTICS 0, ALTER phones SET STATISTICS 0,
    ALTER external_ids SET STATISTICS 0, ALTER custom SET STATISTICS 0;
CREATE INDEX ON read.contact_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.contact_v1 (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.contact_v1 (tenant_id, sort_name, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.contact_v1 (tenant_id, owner_id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.contact_v1 (tenant_id, company_id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.contact_v1 USING gin (tenant_id, tags) WHERE deleted_at IS NULL;
CREATE INDEX ON read.contact_v1 (tenant_id, id) WHERE deleted_at IS NULL AND cardinality(tags) > 0;
"""
_EMAILS_DDL = Path(__file__).with_name("emails.sql").read_text()

_COLUMNS = (
    "id, version, name, emails, phones, company_id, title, tags, owner_id, external_ids, lifecycle, custom,"
    " created_at, updated_at, deleted_at"
)

# As JSON, because the decoder of Contact then does all the conversions in one go.
_LOAD = f"""
SELECT coalesce(json_agg(c), '[]')::text
  FROM (SELECT {_COLUMNS} FROM contact_v1 WHERE tenant_id = %s AND id = ANY(%s)) c
"""

_SAVE = """
INSERT INTO contact_v1
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (
    tenant_id uuid, id uuid, version integer, position bigint, name jsonb, emails jsonb, phones jsonb, company_id uuid,
    title text, tags text[], owner_id uuid, external_ids jsonb, lifecycle text, custom jsonb, created_at timestamptz,
    updated_at timestamptz, deleted_at timestamptz, sort_name text)
ON CONFLICT (tenant_id, id) DO UPDATE
   SET version = excluded.version, position = excluded.position, name = excluded.name, emails = excluded.emails,
       phones = excluded.phones, company_id = excluded.company_id, title = excluded.title, tags = excluded.tags,
       owner_id = excluded.owner_id, external_ids = excluded.external_ids, lifecycle = excluded.lifecycle,
       custom = excluded.custom, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at,
       sort_name = excluded.sort_name
"""

_rows = msgspec.json.Decoder(list[Contact])


def sort_name(contact: Contact) -> str:
    """What a list by name goes by: the name as shown, case apart, else the first address."""
    addresses = [email.value for email in contact.emails] + [phone.value for phone in contact.phones]
    return (contact.name.display or next(iter(addresses), "")).casefold()


def row(tenant_id: UUID, contact: Contact, position: int) -> dict[str, Any]:
    """A contact as its row in read.contact_v1."""
    return structs.asdict(contact) | {"tenant_id": tenant_id, "position": position, "sort_name": sort_name(contact)}


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    # What starts in this batch need not be looked for.
    started = {item.stream_id for item in events if item.version == 1}
    known = list({item.stream_id for item in events} - started)
    contacts = await load(connection, tenant_id, known) if known else {}
    positions: dict[UUID, int] = {}
    for item in events:
        contacts[item.stream_id] = evolved(domain.evolve, contacts.get(item.stream_id), item)
        positions[item.stream_id] = item.position
    rows = [row(tenant_id, contacts[stream_id], position) for stream_id, position in positions.items()]
    await connection.execute(_SAVE, (msgspec.json.encode(rows).decode(),))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    contact = None
    for item in events:
        contact = evolved(domain.evolve, contact, item)
    if contact is None:
        return {}
    values = (
        events[0].tenant_id, contact.id, contact.version, events[-1].position, json_text(contact.name),
        json_text(contact.emails), json_text(contact.phones), contact.company_id, contact.title,
        text_array(contact.tags), contact.owner_id, json_text(contact.external_ids), contact.lifecycle.value,
        json_text(contact.custom), contact.created_at, contact.updated_at, contact.deleted_at, sort_name(contact),
    )  # fmt: skip
    return {"contact_v1": [values]}


async def load(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Contact]:
    """Contacts by id, deleted ones too."""
    found = await (await connection.execute(_LOAD, (tenant_id, list(ids)))).fetchone()
    return {contact.id: contact for contact in _rows.decode(found[0])}


PROJECTION = Projection(
    name="contact",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("contact_v1",),
    ddl=_DDL + _EMAILS_DDL,
    apply=_apply,
    fold=_fold,
)
