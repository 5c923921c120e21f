"""Who has an e-mail or a phone: exact, for imports that look whole portions of rows up at once."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from domain.contact import EVENTS
from domain.event import Event, Recorded, topics
from projections.contacts import contact
from projections.contacts import rows as contact_rows
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.contact_address_v1 (
    tenant_id  uuid NOT NULL,
    contact_id uuid NOT NULL,
    kind       text NOT NULL,
    address    text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, kind, address, contact_id)
);
CREATE INDEX ON read.contact_address_v1 (tenant_id, contact_id);
"""
_FORGET = "DELETE FROM contact_address_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)"
# E-mails in lower case; what spells one of them twice is one address.
_SAVE = f"""
INSERT INTO contact_address_v1
SELECT DISTINCT c.tenant_id, c.id, a.kind, a.address
  FROM {contact_rows.BY_ID}
 CROSS JOIN LATERAL (
       SELECT 'email', lower(e->>'value') FROM jsonb_array_elements(c.emails) AS e
       UNION ALL
       SELECT 'phone', p->>'value' FROM jsonb_array_elements(c.phones) AS p) AS a (kind, address)
 WHERE c.deleted_at IS NULL
"""
_PAGE = "SELECT id FROM read.contact_v1 WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s"
# One look-up by key for each, whatever the statistics say.
_WHO = """SELECT a.address, a.contact_id FROM unnest(%s::text[]) AS u (address)
 CROSS JOIN LATERAL (
       SELECT c.address, c.contact_id FROM read.contact_address_v1 c
        WHERE c.tenant_id = %s AND c.kind = %s AND c.address = u.address OFFSET 0) a"""
_AT_ONCE = 2000

EMAIL, PHONE = "email", "phone"


async def who_has(
    connection: Connection, tenant_id: UUID, kind: str, addresses: Collection[str]
) -> dict[str, list[UUID]]:
    """The contacts that have one of these e-mails (in lower case) or phones (E.164), by address."""
    found: dict[str, list[UUID]] = {}
    if addresses:
        rows: Sequence[Any] = await (await connection.execute(_WHO, (list(addresses), tenant_id, kind))).fetchall()
        for address, contact_id in rows:
            found.setdefault(address, []).append(contact_id)
    return found


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id, ids = events[0].tenant_id, list({item.stream_id for item in events})
    await connection.execute(_FORGET, (tenant_id, ids))
    await connection.execute(_SAVE, (tenant_id, ids))


async def _refill(connection: Connection, tenant_id: UUID, after: UUID) -> UUID | None:
    rows = await (await connection.execute(_PAGE, (tenant_id, after, _AT_ONCE))).fetchall()
    ids = [contact_id for (contact_id,) in rows]
    if not ids:
        return None
    await connection.execute(_SAVE, (tenant_id, ids))
    last: UUID = ids[-1]
    return last


PROJECTION = Projection(
    name="contact_address",
    version=1,
    topics=topics(EVENTS),
    tables=("contact_address_v1",),
    ddl=_DDL,
    apply=_apply,
    refill=_refill,
    follows=(contact.PROJECTION.checkpoint,),
    stream_column="contact_id",
)
