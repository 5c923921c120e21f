"""Lists of interactions: all, those to be reviewed, and what is to be done next; of now, or as of a moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from domain.interaction import Channel, Direction, Type
from projections.contacts.family import family
from projections.interactions.interaction import ALIKE
from projections.interactions.queries import Stored, stored
from projections.ports import Connection
from projections.position import Moment

Bound = list[str]


class Sort(StrEnum):
    """Orders of a list: by when it happened (when it was told, while nobody knows)."""

    OCCURRED_AT = "occurred_at"
    OCCURRED_AT_DESC = "-occurred_at"


class Filters(Struct, frozen=True, omit_defaults=True):
    """Which interactions a list shows; what is None is not filtered by. `since` is included, `until` is not.

    Those of a contact are those of all that are merged into it, too.
    """

    contact_id: UUID | None = None
    company_id: UUID | None = None
    lead_id: UUID | None = None
    author_id: UUID | None = None
    type: Type | None = None
    channel: Channel | None = None
    direction: Direction | None = None
    outcome: str | None = None
    thread_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class _List(Struct, frozen=True):
    """A list: what it is in the order of, which way, and what else must hold of what is in it."""

    column: str
    direction: str = "ASC"
    condition: str = "true"


_ALL = {Sort.OCCURRED_AT: _List("at"), Sort.OCCURRED_AT_DESC: _List("at", "DESC")}
_REVIEW = _List("recorded_at", condition="i.missing <> '{}'")
_NEXT = _List("due_at", condition="i.due_at IS NOT NULL")
_CONDITIONS: Mapping[str, str] = {
    "contact_id": "i.contact_id = %s",  # in the order of its index, which several contacts are not
    "contact_ids": "i.contact_id = ANY (%s)",
    "company_id": "i.company_id = %s",
    "lead_id": "i.lead_id = %s",
    "author_id": "i.author_id = %s",
    "type": "i.type = %s",
    "channel": "i.channel = %s",
    "direction": "i.direction = %s",
    "outcome": "i.outcome = %s",
    "thread_id": "i.thread_id = %s",
    "since": "i.at >= %s",
    "until": "i.at < %s",
    "due_before": "i.due_at < %s",
}
_OWNED = "i.author_id = ANY (%s)"
# Who may read a record now may read what it was: whose it was then is not asked.
_OWNED_NOW = """EXISTS (
    SELECT FROM read.interaction_v1 n WHERE n.tenant_id = i.tenant_id AND n.id = i.id AND n.author_id = ANY (%s))"""
# What stands now and had begun, and what ended later: there is at most one of them of each interaction.
_STANDING = "i.position <= %s"
_ENDED = "i.position <= %s AND i.until > %s"


async def page(
    connection: Connection,
    tenant_id: UUID,
    filters: Filters,
    sort: Sort,
    *,
    after: Bound | None,
    limit: int,
    as_of: Moment | None = None,
    authors: Sequence[UUID] | None = None,
) -> tuple[list[Stored], Bound | None]:
    """A page of interactions, and the bound after which the next one starts.

    With `authors`, of theirs only: of those that are theirs now, also where it is about a moment of the past.
    """
    wanted = {name: value for name, value in structs.asdict(filters).items() if value is not None}
    if contact_id := wanted.pop("contact_id", None):
        ids = await family(connection, tenant_id, contact_id, at=as_of.position if as_of else None)
        wanted |= {"contact_ids": ids} if len(ids) > 1 else {"contact_id": contact_id}
    return await _page(connection, _Which(tenant_id, _ALL[sort], wanted, after, authors), limit, as_of)


async def to_review(
    connection: Connection,
    tenant_id: UUID,
    *,
    after: Bound | None,
    limit: int,
    as_of: Moment | None = None,
    authors: Sequence[UUID] | None = None,
) -> tuple[list[Stored], Bound | None]:
    """A page of the interactions of which something is missing, the oldest first. See `page`."""
    return await _page(connection, _Which(tenant_id, _REVIEW, {}, after, authors), limit, as_of)


async def next_actions(
    connection: Connection,
    tenant_id: UUID,
    *,
    author_id: UUID | None,
    due_before: datetime | None,
    after: Bound | None,
    limit: int,
    as_of: Moment | None = None,
    authors: Sequence[UUID] | None = None,
) -> tuple[list[Stored], Bound | None]:
    """A page of the interactions after which something is to be done, the most urgent first. See `page`."""
    asked = {"author_id": author_id, "due_before": due_before}
    wanted = {name: value for name, value in asked.items() if value is not None}
    return await _page(connection, _Which(tenant_id, _NEXT, wanted, after, authors), limit, as_of)


class _Which(Struct, frozen=True):
    """Which interactions are on a page of a list, but for how many."""

    tenant_id: UUID
    listed: _List
    wanted: Mapping[str, Any]
    after: Bound | None
    authors: Sequence[UUID] | None

    @property
    def order(self) -> str:
        """What they are in the order of."""
        return f"i.{self.listed.column} {self.listed.direction}, i.id {self.listed.direction}"

    def of(self, table: str, stood: str, owned: str, position: int | None, limit: int) -> tuple[str, list[Any]]:
        """The rows of a table among them, and the parameters of that."""
        conditions = ["i.tenant_id = %s", self.listed.condition, *(_CONDITIONS[name] for name in self.wanted)]
        parameters = [self.tenant_id, *self.wanted.values()]
        if self.authors is not None:
            conditions.append(owned)
            parameters.append(list(self.authors))
        if self.after:
            comparison = "<" if self.listed.direction == "DESC" else ">"
            conditions.append(f"(i.{self.listed.column}, i.id) {comparison} (%s::timestamptz, %s::uuid)")
            parameters.extend(self.after)
        where = " AND ".join((*conditions, stood))
        query = f"SELECT {ALIKE} FROM read.{table} i WHERE {where} ORDER BY {self.order} LIMIT %s"
        return query, [*parameters, *(position,) * stood.count("%s"), limit]


async def _page(
    connection: Connection, which: _Which, limit: int, as_of: Moment | None
) -> tuple[list[Stored], Bound | None]:
    if as_of:
        standing, parameters = which.of("interaction_v1", _STANDING, _OWNED, as_of.position, limit + 1)
        ended, more = which.of("interaction_past_v1", _ENDED, _OWNED_NOW, as_of.position, limit + 1)
        inner = f"SELECT * FROM (({standing}) UNION ALL ({ended})) i ORDER BY {which.order} LIMIT %s"
        parameters += [*more, limit + 1]
    else:
        inner, parameters = which.of("interaction_v1", "true", _OWNED, None, limit + 1)
    found = await connection.execute(f"SELECT coalesce(json_agg(v), '[]')::text FROM ({inner}) v", parameters)
    rows = stored.decode((await found.fetchone())[0])
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], [getattr(last, which.listed.column).isoformat(), str(last.id)]
