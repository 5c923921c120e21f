"""Companies as they are now: one row each, folded by the domain's own `evolve`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from domain import company as domain
from domain.company import Company
from domain.event import Event, Recorded, topics
from projections.companies.text import keys_of
from projections.folding import evolved, json_text
from projections.ports import Connection
from projections.projection import Projection

_LOAD = """
SELECT coalesce(json_agg(c), '[]')::text FROM (
    SELECT id, version, name, domain, industry, size, parent_id, custom, external_ids, created_at, updated_at,
           deleted_at
      FROM company_v1 WHERE tenant_id = %s AND id = ANY(%s)) c
"""
_SAVE = """
INSERT INTO company_v1
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (
    tenant_id uuid, id uuid, version integer, position bigint, name text, domain text, industry text, size jsonb,
    parent_id uuid, custom jsonb, external_ids jsonb, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz, sort_name text, keys integer[])
ON CONFLICT (tenant_id, id) DO UPDATE
   SET version = excluded.version, position = excluded.position, name = excluded.name, domain = excluded.domain,
       industry = excluded.industry, size = excluded.size, parent_id = excluded.parent_id, custom = excluded.custom,
       external_ids = excluded.external_ids, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at,
       sort_name = excluded.sort_name, keys = excluded.keys
"""
_ORDER = (
    "tenant_id", "id", "version", "position", "name", "domain", "industry", "size", "parent_id", "custom",
    "external_ids", "created_at", "updated_at", "deleted_at", "sort_name", "keys",
)  # fmt: skip
_JSON = ("size", "custom", "external_ids")

_rows = msgspec.json.Decoder(list[Company])


def row(tenant_id: UUID, company: Company, position: int) -> dict[str, Any]:
    """A company as its row in read.company_v1; one that is deleted is found by nothing."""
    keys = keys_of(tenant_id.bytes, company.name, company.domain) if company.deleted_at is None else []
    own = {"tenant_id": tenant_id, "position": position, "sort_name": company.name.casefold(), "keys": keys}
    return structs.asdict(company) | own


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    started = {item.stream_id for item in events if item.version == 1}
    known = list({item.stream_id for item in events} - started)
    companies = await load(connection, tenant_id, known) if known else {}
    positions: dict[UUID, int] = {}
    for item in events:
        companies[item.stream_id] = evolved(domain.evolve, companies.get(item.stream_id), item)
        positions[item.stream_id] = item.position
    rows = [row(tenant_id, companies[stream_id], position) for stream_id, position in positions.items()]
    await connection.execute(_SAVE, (msgspec.json.encode(rows).decode(),))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    company = None
    for item in events:
        company = evolved(domain.evolve, company, item)
    if company is None:
        return {}
    values = row(events[0].tenant_id, company, events[-1].position)
    values |= {name: json_column(values[name]) for name in _JSON}
    return {"company_v1": [tuple(values[name] for name in _ORDER)]}


def json_column(value: Any) -> str | None:
    """A value for a jsonb column, where None is NULL and not the JSON null."""
    return None if value is None else json_text(value)


async def load(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Company]:
    """Companies by id, deleted ones too."""
    found = await (await connection.execute(_LOAD, (tenant_id, list(ids)))).fetchone()
    return {company.id: company for company in _rows.decode(found[0])}


PROJECTION = Projection(
    name="company",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("company_v1",),
    ddl=Path(__file__).with_suffix(".sql").read_text(),
    apply=_apply,
    fold=_fold,
)
