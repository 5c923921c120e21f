"""What is read of timelines: a page of one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.interaction import Channel, Type
from projections.contacts.text import words
from projections.ports import Connection
from projections.position import Moment
from projections.timeline.rows import FILTERED, tag, valued
from projections.timeline.system import Refs

Bound = list[str]

_PAGE = "SELECT read.timeline_page_v1(%s, %s::jsonb, %s, %s, %s, %s, %s)"


class Filters(Struct, frozen=True, omit_defaults=True, rename={"since": "from", "until": "to"}):
    """Which entries a timeline shows; what is None is not filtered by. `since` is included, `until` is not."""

    type: Type | None = None
    channel: Channel | None = None
    author_id: UUID | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Stored(Struct, frozen=True, kw_only=True):
    """An entry as it is in the read model; `since` is the position that made it what it is."""

    id: UUID
    kind: str
    type: Type | None
    channel: Channel | None
    at: datetime
    author_id: UUID | None
    outcome: str | None
    title: str | None
    refs: Refs
    since: int


_stored = msgspec.json.Decoder(list[Stored])


async def page(
    connection: Connection,
    records: Sequence[UUID],
    filters: Filters,
    *,
    text: str = "",
    descending: bool = True,
    after: Bound | None = None,
    limit: int,
    as_of: Moment | None = None,
    authors: Sequence[UUID] | None = None,
    leads_of: Sequence[UUID] | None = None,
    without: Sequence[str] = (),
) -> tuple[list[Stored], Bound | None]:
    """A page of what happened with a record that is known by these ids, and the bound after which the next one starts.

    With a `text`, only what has words that begin with each of its words. Interactions are shown of some `authors` only,
    where those are given, what became of leads where these are `leads_of` some now; kinds to leave out are `without`.
    """
    wanted: dict[str, Any] = msgspec.to_builtins(filters)
    if as_of:
        wanted["position"] = as_of.position
    if authors is not None:
        wanted["authors"] = [str(author) for author in authors]
    if leads_of is not None:
        wanted["leads_of"] = [str(owner) for owner in leads_of]
    if without:
        wanted["without"] = list(without)
    bound = after or (None, None)
    queries = _queries(records, text, filters)
    parameters = (list(records), msgspec.json.encode(wanted).decode(), queries, *bound, descending, limit + 1)
    found = await (await connection.execute(_PAGE, parameters)).fetchone()
    rows = _stored.decode(found[0])
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], [last.at.isoformat(), str(last.id)]


def _queries(records: Sequence[UUID], text: str, filters: Filters) -> list[str]:
    """What an entry's words must fit (a tsquery), by record; nothing where neither words nor values are asked for."""
    asked = [(word, ":*") for word in sorted(set(words(text, whole=False)))]
    asked += [(valued(name, value), "") for name in FILTERED if (value := getattr(filters, name)) is not None]
    return [" & ".join(f"'{tag(each)}{word}'{how}" for word, how in asked) for each in records] if asked else []
