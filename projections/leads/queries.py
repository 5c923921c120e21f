"""What is read of leads: some by id, a page of a list."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain.lead import Lead
from domain.lead_status import OPEN, Status
from domain.money import Money
from projections.contacts.family import STANDS, whole_family
from projections.placing import placed
from projections.ports import Connection
from projections.position import Moment

Bound = list[str]


class Flag(StrEnum):
    """What somebody should look at."""

    DUPLICATE = "duplicate"
    """Another open lead is of the same contact, or of one that was merged with it."""
    INACTIVE = "inactive"
    """Nothing has happened with it for as many days as the tenant has set."""


class LeadView(Struct, frozen=True, kw_only=True):
    """A lead as clients see it."""

    id: UUID
    version: int
    title: str
    contact_id: UUID | None
    company_id: UUID | None
    customer_id: UUID | None
    owner_id: UUID | None
    source: str | None
    value: Money | None
    status: Status
    status_since: datetime
    lost_reason: str | None
    score: int
    tags: tuple[str, ...]
    custom: dict[str, Any]
    external_ids: dict[str, str]
    flags: tuple[Flag, ...]
    occurred_at: datetime
    last_activity_at: datetime
    created_at: datetime
    updated_at: datetime


class Stored(LeadView, frozen=True, kw_only=True):
    """A lead as it is in the read model: `deleted_at` tells whether it is gone."""

    deleted_at: datetime | None

    def view(self) -> LeadView:
        """What clients see of it."""
        return LeadView(**{name: getattr(self, name) for name in LeadView.__struct_fields__})


class Sort(StrEnum):
    """Orders of a list; a minus turns one round."""

    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    STATUS_SINCE = "status_since"
    STATUS_SINCE_DESC = "-status_since"
    SCORE_DESC = "-score"


class Filters(Struct, frozen=True, omit_defaults=True):
    """Which leads a list shows; what is None is not filtered by."""

    status: Status | None = None
    owner_id: UUID | None = None
    flag: Flag | None = None
    source: str | None = None
    min_score: int | None = None
    contact_id: UUID | None = None
    company_id: UUID | None = None


_OPEN = ", ".join(f"'{status.value}'" for status in OPEN)
_STOOD = "{0}.since <= %s AND ({0}.until IS NULL OR {0}.until > %s)"


def _duplicate(table: str, lead: str = "TRUE", link: str = STANDS) -> str:
    """Whether a lead `l` has an open sister; both of them have to be open. `lead` and `link`: when rows of both stood.

    A sister is of the same contact, or of one that is the same since they were merged. Most contacts never were, so
    whether there is any link is asked first.
    """
    sister = f"""SELECT FROM {table} d WHERE d.tenant_id = l.tenant_id AND d.id <> l.id AND d.status IN ({_OPEN})
                    AND d.deleted_at IS NULL AND {lead} AND d.contact_id"""
    linked = f"""SELECT FROM read.contact_family_v1 f
                  WHERE f.tenant_id = l.tenant_id AND (f.id = l.contact_id OR f.into_id = l.contact_id) AND {link}"""
    family = whole_family("l.contact_id", "l.tenant_id", link)
    return f"""(l.status IN ({_OPEN}) AND (EXISTS ({sister} = l.contact_id)
            OR EXISTS ({linked}) AND EXISTS ({sister} IN {family})))"""


_SHARED = tuple(name for name in (*LeadView.__struct_fields__, "deleted_at") if name not in {"flags", "score"})
_INACTIVE = "l.inactive_since IS NOT NULL"
_FLAGS = f"""array_remove(ARRAY[
    CASE WHEN {{}} THEN 'duplicate' END, CASE WHEN {_INACTIVE} THEN 'inactive' END], NULL) AS flags"""
_SELECT = f"SELECT {', '.join(f'l.{name}' for name in _SHARED)}, coalesce(s.score, 0) AS score"
_SCORE = "LEFT JOIN read.lead_score_v1 s ON s.tenant_id = l.tenant_id AND s.id = l.id"
_NOW_TWIN = _duplicate("read.lead_v1")
_THEN_TWIN = _duplicate("read.lead_past_v1", _STOOD.format("d"), _STOOD.format("f"))
_NOW = f"{_SELECT}, {_FLAGS.format(_NOW_TWIN)} FROM read.lead_v1 l {_SCORE}"
_THEN = f"{_SELECT}, {_FLAGS.format(_THEN_TWIN)} FROM read.lead_past_v1 l {_SCORE}"
# As JSON text: the decoder does all conversions in one go.
_BY_ID = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({_NOW} WHERE l.tenant_id = %s AND l.id = ANY(%s)) v"
_BY_ID_THEN = f"""
SELECT coalesce(json_agg(v), '[]')::text
  FROM ({_THEN} WHERE l.tenant_id = %s AND l.id = ANY(%s) AND {_STOOD.format("l")}) v
"""
_BESIDE = f"""
SELECT EXISTS (SELECT FROM read.lead_v1 d WHERE d.tenant_id = %(tenant)s AND d.id <> %(lead)s AND d.status IN ({_OPEN})
                  AND d.deleted_at IS NULL AND d.contact_id IN {whole_family("%(contact)s::uuid", "%(tenant)s")}),
       coalesce((SELECT s.score FROM read.lead_score_v1 s WHERE s.tenant_id = %(tenant)s AND s.id = %(lead)s), 0)
"""

_CONDITIONS = {
    "status": "l.status = %s",
    "owner_id": "l.owner_id = %s",
    "source": "l.source = %s",
    "min_score": "coalesce(s.score, 0) >= %s",
    "contact_id": "l.contact_id = ANY (%s)",
    "company_id": "l.company_id = %s",
}
_OWNED = "l.owner_id = ANY (%s)"
# Who may read a record now may read what it was: whose it was then is not asked.
_OWNED_NOW = (
    "EXISTS (SELECT FROM read.lead_v1 n WHERE n.tenant_id = l.tenant_id AND n.id = l.id AND n.owner_id = ANY (%s))"
)
# In this order they make one list by score. Those of scores have an index; the leads in between come by id.
_BY_SCORE = ("s.score > 0", "coalesce(s.score, 0) = 0", "s.score < 0")

_stored = msgspec.json.Decoder(list[Stored])


def view(lead: Lead, *, is_duplicate: bool = False, score: int = 0) -> LeadView:
    """A lead's state as clients see it."""
    shared = {name: getattr(lead, name) for name in _SHARED if name != "deleted_at"}
    flags = {Flag.DUPLICATE: is_duplicate, Flag.INACTIVE: lead.inactive_since is not None}
    return LeadView(**shared, score=score, flags=tuple(flag for flag, is_set in flags.items() if is_set))


async def by_ids(
    connection: Connection, tenant_id: UUID, ids: Sequence[UUID], *, as_of: Moment | None = None
) -> list[Stored]:
    """The leads with these ids, now or as of a moment, deleted ones too, in the order of the ids."""
    if as_of:
        at = as_of.position
        asked = (_BY_ID_THEN, (*(at,) * _THEN_TWIN.count("%s"), tenant_id, list(ids), at, at))
    else:
        asked = (_BY_ID, (tenant_id, list(ids)))
    found = await (await connection.execute(*asked)).fetchone()
    by_id = {lead.id: lead for lead in _stored.decode(found[0])}
    return [by_id[lead_id] for lead_id in ids if lead_id in by_id]


async def beside(connection: Connection, tenant_id: UUID, lead_id: UUID, contact_id: UUID | None) -> tuple[bool, int]:
    """What is told of a lead that it doesn't know itself: whether a contact has another open one; and its score."""
    values = {"tenant": tenant_id, "contact": contact_id, "lead": lead_id}
    found = await (await connection.execute(*placed(_BESIDE, values))).fetchone()
    return bool(found[0]), int(found[1])


async def page(
    connection: Connection,
    tenant_id: UUID,
    filters: Filters,
    sort: str,
    *,
    contacts: Sequence[UUID] | None = None,
    after: Bound | None,
    limit: int,
    as_of: Moment | None = None,
    owners: Sequence[UUID] | None = None,
) -> tuple[list[Stored], Bound | None]:
    """A page of the leads that are there, or were at a moment, and the bound after which the next one starts.

    `sort` is a Sort, or last_activity_at for flagged ones. `contacts` are all the ids that the contact filtered by goes
    by, where it has others than its own. With `owners`, of theirs only: of those that are theirs now, also where it is
    about a moment of the past. A bound is [value of the sort column, id]: pages neither repeat nor miss rows that stay
    in place.
    """
    source, conditions, parameters = _selected(tenant_id, filters, contacts, as_of)
    if owners is not None:
        conditions.append(_OWNED_NOW if as_of else _OWNED)
        parameters.append(list(owners))
    rows: list[Stored] = []
    for more, order, values in _orders(sort, after):
        where = " AND ".join((*conditions, *more))
        query = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({source} WHERE {where} ORDER BY {order} LIMIT %s) v"
        found = await (await connection.execute(query, (*parameters, *values, limit + 1 - len(rows)))).fetchone()
        rows += _stored.decode(found[0])
        if len(rows) > limit:
            value = getattr(rows[limit - 1], sort.removeprefix("-"))
            told = value.isoformat() if isinstance(value, datetime) else str(value)
            return rows[:limit], [told, str(rows[limit - 1].id)]
    return rows, None


def _orders(sort: str, after: Bound | None) -> Iterator[tuple[list[str], str, list[Any]]]:
    """The parts that a list has in turn: conditions, order, and the parameters of the conditions."""
    if sort == Sort.SCORE_DESC:
        yield from _by_score(after)
        return
    column = sort.removeprefix("-")
    direction, comparison = ("DESC", "<") if sort.startswith("-") else ("ASC", ">")
    beyond = [f"(l.{column}, l.id) {comparison} (%s::timestamptz, %s::uuid)"] if after else []
    yield beyond, f"l.{column} {direction}, l.id {direction}", list(after or ())


def _by_score(after: Bound | None) -> Iterator[tuple[list[str], str, list[Any]]]:
    score = int(after[0]) if after else 0
    first = 0 if not after or score > 0 else 1 if score == 0 else 2
    for number, part in enumerate(_BY_SCORE[first:], start=first):
        order = "l.id DESC" if number == 1 else "s.score DESC, s.id DESC"
        if not after or number > first:
            yield [part], order, []
        elif number == 1:
            yield [part, "l.id < %s::uuid"], order, [after[1]]
        else:
            yield [part, "(s.score, s.id) < (%s::integer, %s::uuid)"], order, list(after)


def _selected(
    tenant_id: UUID, filters: Filters, contacts: Sequence[UUID] | None, as_of: Moment | None
) -> tuple[str, list[str], list[Any]]:
    """Where the leads come from, which of them, and the parameters of both."""
    conditions = ["l.tenant_id = %s", "l.deleted_at IS NULL"]
    parameters: list[Any] = [tenant_id]
    if as_of:
        conditions.append(_STOOD.format("l"))
        parameters = [*(as_of.position,) * _THEN_TWIN.count("%s"), tenant_id, *(as_of.position,) * 2]
    for name, value in structs.asdict(filters).items():
        if value is Flag.INACTIVE:
            conditions.append(_INACTIVE)
        elif name == "flag" and value is not None:
            conditions.append(_THEN_TWIN if as_of else _NOW_TWIN)
            parameters += [as_of.position] * _THEN_TWIN.count("%s") if as_of else []
        elif name == "contact_id" and value is not None:
            conditions.append(_CONDITIONS[name])
            parameters.append([value] if contacts is None else list(contacts))
        elif value is not None:
            # Only those that are worth something are looked at where nobody else is asked for.
            conditions.append("s.score >= %s" if name == "min_score" and value > 0 else _CONDITIONS[name])
            parameters.append(value)
    return _THEN if as_of else _NOW, conditions, parameters
