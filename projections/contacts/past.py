"""Contacts as they were: one row a version, with the positions from and until which it stood, and companies too.

What a list as of a moment is made of (`page` of contact_queries and company_queries with `as_of`). A row is written
once and closed once. Only the erasure of a person changes it otherwise: all rows of that id are deleted and applied
again from the stream's events, whose personal members are blank by then.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain import company, contact
from domain.company import Company
from domain.contact import Contact
from domain.event import Event, Recorded, topics
from projections.companies.company import json_column
from projections.contacts.contact import sort_name
from projections.folding import evolved, json_text
from projections.ports import Connection
from projections.projection import Projection

# No index on `until`: closing a row is then a HOT update. None for each filter either: a list as of a moment
# goes through the tenant's versions in its order, which is soon enough for what is asked now and then.
_DDL = """
CREATE TABLE read.contact_past_v1 (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    since        bigint NOT NULL,
    until        bigint,
    version      integer NOT NULL,
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
    PRIMARY KEY (tenant_id, id, since)
) WITH (fillfactor = 80);
CREATE INDEX ON read.contact_past_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.contact_past_v1 (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.contact_past_v1 (tenant_id, sort_name, id) WHERE deleted_at IS NULL;
CREATE TABLE read.company_past_v1 (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    since      bigint NOT NULL,
    until      bigint,
    version    integer NOT NULL,
    name       text NOT NULL,
    domain     text,
    industry   text,
    size       jsonb,
    parent_id  uuid,
    custom     jsonb NOT NULL,
    external_ids jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    sort_name  text NOT NULL,
    PRIMARY KEY (tenant_id, id, since)
) WITH (fillfactor = 80);
CREATE INDEX ON read.company_past_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.company_past_v1 (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.company_past_v1 (tenant_id, sort_name, id) WHERE deleted_at IS NULL;
"""

_CONTACT_COLUMNS = """
    tenant_id uuid, id uuid, since bigint, until bigint, version integer, name jsonb, emails jsonb, phones jsonb,
    company_id uuid, title text, tags text[], owner_id uuid, external_ids jsonb, lifecycle text, custom jsonb,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz, sort_name text
"""
_COMPANY_COLUMNS = """
    tenant_id uuid, id uuid, since bigint, until bigint, version integer, name text, domain text, industry text,
    size jsonb, parent_id uuid, custom jsonb, external_ids jsonb, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz, sort_name text
"""
_CONTACT_ORDER = tuple(column.split()[0] for column in _CONTACT_COLUMNS.split(","))
_COMPANY_ORDER = tuple(column.split()[0] for column in _COMPANY_COLUMNS.split(","))
_JSON = ("name", "emails", "phones", "external_ids", "custom")


class _Kind(Struct, frozen=True):
    """One kind of record: how its state is folded and loaded, and how its versions are written."""

    evolve: Callable[..., Any]
    states: msgspec.json.Decoder[list[Any]]
    load: str
    close: str
    save: str


def _kind(table: str, columns: str, evolve: Callable[..., Any], state: type[Any]) -> _Kind:
    load = f"""
    SELECT coalesce(json_agg(p), '[]')::text
      FROM {table} p WHERE p.tenant_id = %s AND p.id = ANY(%s) AND p.until IS NULL
    """
    close = f"""
    UPDATE {table} p SET until = over.since
      FROM unnest(%s::uuid[], %s::bigint[]) AS over (id, since)
     WHERE p.tenant_id = %s AND p.id = over.id AND p.until IS NULL
    """
    save = f"INSERT INTO {table} SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r ({columns})"
    return _Kind(evolve, msgspec.json.Decoder(list[state]), load, close, save)  # type: ignore[valid-type]


_CONTACTS = _kind("contact_past_v1", _CONTACT_COLUMNS, contact.evolve, Contact)
_COMPANIES = _kind("company_past_v1", _COMPANY_COLUMNS, company.evolve, Company)
_COMPANY_TOPICS = topics(company.EVENTS)


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    of_companies = [item for item in events if item.event.TOPIC in _COMPANY_TOPICS]
    of_contacts = [item for item in events if item.event.TOPIC not in _COMPANY_TOPICS]
    for kind, mine in ((_COMPANIES, of_companies), (_CONTACTS, of_contacts)):
        if mine:
            await _write(connection, kind, mine)


async def _write(connection: Connection, kind: _Kind, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    started = {item.stream_id for item in events if item.version == 1}
    # The first events of those whose last version stood.
    ends = {item.stream_id: item.position for item in reversed(events) if item.stream_id not in started}
    states = await _standing(connection, kind, tenant_id, list(ends)) if ends else {}
    rows = _versions(kind, states, events)
    if ends:
        await connection.execute(kind.close, (list(ends), list(ends.values()), tenant_id))
    await connection.execute(kind.save, (msgspec.json.encode(rows).decode(),))


def _versions(kind: _Kind, states: dict[UUID, Any], events: Sequence[Recorded[Event]]) -> list[dict[str, Any]]:
    """A row for each event, from the states before them."""
    rows: list[dict[str, Any]] = []
    last: dict[UUID, dict[str, Any]] = {}
    for item in events:
        state = states[item.stream_id] = evolved(kind.evolve, states.get(item.stream_id), item)
        if item.stream_id in last:
            last[item.stream_id]["until"] = item.position
        last[item.stream_id] = _row(state) | {"tenant_id": item.tenant_id, "since": item.position, "until": None}
        rows.append(last[item.stream_id])
    return rows


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    if events[0].event.TOPIC in _COMPANY_TOPICS:
        rows = _versions(_COMPANIES, {}, events)
        for row in rows:
            row.update({name: json_column(row[name]) for name in ("size", "custom", "external_ids")})
        return {"company_past_v1": [tuple(row[name] for name in _COMPANY_ORDER) for row in rows]}
    rows = _versions(_CONTACTS, {}, events)
    for row in rows:
        row.update({name: json_text(row[name]) for name in _JSON}, tags=list(row["tags"]))
    return {"contact_past_v1": [tuple(row[name] for name in _CONTACT_ORDER) for row in rows]}


async def _standing(connection: Connection, kind: _Kind, tenant_id: UUID, ids: list[UUID]) -> dict[UUID, Any]:
    """The states as the last versions have them."""
    found = await (await connection.execute(kind.load, (tenant_id, ids))).fetchone()
    return {state.id: state for state in kind.states.decode(found[0])}


def _row(state: Contact | Company) -> dict[str, Any]:
    name = sort_name(state) if isinstance(state, Contact) else state.name.casefold()
    return structs.asdict(state) | {"sort_name": name}


PROJECTION = Projection(
    name="contact_past",
    version=1,
    topics=topics(contact.EVENTS) | _COMPANY_TOPICS,
    tables=("contact_past_v1", "company_past_v1"),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
