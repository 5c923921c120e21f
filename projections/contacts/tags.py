"""Which tags a tenant's contacts have, and how many have each."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from projections.ports import Connection

Bound = list[Any]


class TagSort(StrEnum):
    """Orders of tags: the most used first, or as they are spelt."""

    COUNT_DESC = "-count"
    NAME = "name"


class TagCount(Struct, frozen=True):
    """A tag, spelt as most of them spell it, and how many contacts have it, case apart."""

    tag: str
    count: int


# Contacts with tags have an index of their own, which is all that is read. Their tags differ by more than case.
_USED = """
SELECT lower(t) AS key, mode() WITHIN GROUP (ORDER BY t) AS tag, count(*) AS count
  FROM read.contact_v1 c
 CROSS JOIN LATERAL unnest(c.tags) AS t
 WHERE c.tenant_id = %s AND c.deleted_at IS NULL AND cardinality(c.tags) > 0
"""
_ORDERS = {
    TagSort.COUNT_DESC: ("count < %s OR count = %s AND key > %s", "count DESC, key"),
    TagSort.NAME: ("key > %s", "key"),
}


async def page(
    connection: Connection,
    tenant_id: UUID,
    begins: str,
    sort: TagSort,
    *,
    after: Bound | None,
    limit: int,
    owners: Sequence[UUID] | None = None,
) -> tuple[list[TagCount], Bound | None]:
    """A page of the tags that begin with a text, case apart, and the bound after which the next one starts.

    With `owners`, of their contacts only.
    """
    query, parameters = _USED, list[Any]([tenant_id])
    if begins:
        query += " AND starts_with(lower(t), lower(%s))"
        parameters.append(begins)
    if owners is not None:
        query += " AND c.owner_id = ANY (%s)"
        parameters.append(list(owners))
    beyond, order = _ORDERS[sort]
    query = f"SELECT tag, count, key FROM ({query} GROUP BY lower(t)) u"
    if after:
        query += f" WHERE {beyond}"
        parameters += after
    found = await connection.execute(f"{query} ORDER BY {order} LIMIT %s", (*parameters, limit + 1))
    rows = await found.fetchall()
    tags = [TagCount(tag, count) for tag, count, _ in rows[:limit]]
    if len(rows) <= limit:
        return tags, None
    _, count, key = rows[limit - 1]
    return tags, [count, count, key] if sort is TagSort.COUNT_DESC else [key]
