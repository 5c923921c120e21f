"""What is read of reports on interactions: one statement for a page of groups, whatever they are grouped by."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from msgspec import Struct, json, structs

from domain.errors import DomainError, FieldError
from projections.contacts.family import survivors
from projections.pipeline.figures import Step
from projections.placing import placed
from projections.ports import Connection
from projections.reports.figures import (
    EARLIEST,
    LATEST,
    MOST_PERIODS,
    NOBODY,
    GroupBy,
    Raw,
    ReportRow,
    Span,
    around,
    bounded,
    periods,
    pieces,
    rows,
    whole_years,
)

MOST_GROUPS = 10_000
"""Rows of a report that is given whole."""

Bound = tuple[int, str]
"""The count and key of a page's last row."""

_KEYS = {
    GroupBy.OWNER: "author_id::text",
    GroupBy.CONTACT: "contact_id::text",
    GroupBy.CHANNEL: "channel",
    GroupBy.TYPE: "type",
    GroupBy.OUTCOME: "outcome",
    GroupBy.PERIOD: "number::text",
}
_FILTERS = ("contact_id", "channel", "type", "outcome")

# Of contacts there may be very many: those of a page are found first, and the rest is counted of them alone. What their
# authors answered may be all that there is of some, so that answers are asked for where not everybody's are counted.
_TOP = """
SELECT t.contact_id FROM (
    SELECT x.contact_id, sum(x.n) AS n FROM ({counted}) AS x (contact_id, n) GROUP BY 1) t
 WHERE %(after)s::bigint IS NULL OR t.n < %(after)s::bigint
    OR (t.n = %(after)s::bigint AND t.contact_id > %(after_id)s::uuid)
 ORDER BY t.n DESC, t.contact_id LIMIT %(most)s::bigint
"""
_YEARS = """
SELECT y.contact_id, y.interactions AS n FROM read.report_contact_v1 y
 WHERE y.tenant_id = %(tenant)s AND y.year >= %(first)s::date AND y.year < %(last)s::date {having}
"""
_ONE_BY_ONE = """
SELECT f.contact_id, 1 FROM read.report_interaction_v1 f
 WHERE f.tenant_id = %(tenant)s AND f.at >= %(since{number})s::timestamptz
   AND f.at < %(until{number})s::timestamptz {having}
"""
_ANSWERED = """
SELECT f.contact_id, 0 FROM read.report_response_v1 f
 WHERE f.tenant_id = %(tenant)s AND f.at >= %(since)s::timestamptz AND f.at < %(until)s::timestamptz {having}
"""
_COUNTS = """
SELECT p.number, c.author_id, c.channel, c.type, c.outcome, c.interactions AS n
  FROM piece p
 CROSS JOIN LATERAL (
       SELECT c.* FROM read.report_count_v1 c
        WHERE c.tenant_id = %(tenant)s AND c.by_author = %(by_author)s AND c.step = p.step
          AND c.day >= p.first AND c.day < p.last {having} OFFSET 0) c
 UNION ALL
SELECT e.number, f.author_id, f.channel, f.type, f.outcome, 1
  FROM edge e
  JOIN read.report_interaction_v1 f ON f.tenant_id = %(tenant)s AND f.at >= e.since AND f.at < e.until {having_each}
"""
_EACH = """
SELECT s.number, f.author_id, f.contact_id, f.channel, f.type, f.outcome, 1 AS n
  FROM span s
  JOIN read.report_interaction_v1 f ON f.tenant_id = %(tenant)s AND f.at >= s.since AND f.at < s.until {having}
"""
_REPORT = """
WITH span AS MATERIALIZED (
    SELECT j.number, coalesce(j.since, '-infinity') AS since, coalesce(j.until, 'infinity') AS until
      FROM jsonb_to_recordset(%(spans)s::jsonb) AS j (number integer, since timestamptz, until timestamptz)
), piece AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(pieces)s::jsonb) AS j (number integer, step text, first date, last date)
), edge AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(edges)s::jsonb) AS j (number integer, since timestamptz, until timestamptz)
), counts AS (
    SELECT x.{key} AS key, x.type, x.outcome, sum(x.n)::bigint AS interactions FROM ({counts}) x GROUP BY 1, 2, 3
), responses AS (
    SELECT x.{key} AS key, count(*) AS responses,
           percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY x.lasted::double precision) AS lasted
      FROM (SELECT s.number, f.* FROM span s
              JOIN read.report_response_v1 f ON f.tenant_id = %(tenant)s AND f.at >= s.since AND f.at < s.until
                   {having}) x
     GROUP BY 1
), actions AS (
    SELECT x.{key} AS key, count(*) FILTER (WHERE x.due_at > %(now)s) AS due,
           count(*) FILTER (WHERE x.due_at <= %(now)s) AS overdue
      FROM (SELECT s.number, f.* FROM span s
              JOIN read.report_interaction_v1 f ON f.tenant_id = %(tenant)s AND f.at >= s.since AND f.at < s.until
                   AND f.due_at IS NOT NULL {having}) x
     GROUP BY 1
)
SELECT json_build_object(
           'counts', (SELECT coalesce(json_agg(c), '[]') FROM counts c),
           'responses', (SELECT coalesce(json_agg(r), '[]') FROM responses r),
           'actions', (SELECT coalesce(json_agg(a), '[]') FROM actions a))::text
"""
_BETWEEN = "SELECT min(f.at), max(f.at) FROM read.report_interaction_v1 f WHERE f.tenant_id = %s"

_raw = json.Decoder(Raw)


class Asked(Struct, frozen=True, kw_only=True):
    """A report: of which interactions, from `since` (included) to `until` (not included), and a row for each what.

    `authors` are those whose interactions may be read (None: everybody's); `owner_id` is the author asked for. Periods
    are those of a time `zone`.
    """

    group_by: GroupBy
    interval: Step = Step.MONTH
    zone: tzinfo = UTC
    since: datetime | None = None
    until: datetime | None = None
    authors: tuple[UUID, ...] | None = None
    owner_id: UUID | None = None
    contact_id: UUID | None = None
    channel: str | None = None
    type: str | None = None
    outcome: str | None = None

    @property
    def whose(self) -> list[UUID] | None:
        """Whose interactions it is about; None for everybody's."""
        if self.owner_id is None:
            return None if self.authors is None else list(self.authors)
        return [self.owner_id] if self.authors is None or self.owner_id in self.authors else []

    @property
    def is_narrow(self) -> bool:
        """Whether it is about some kinds of interactions only: years are not summed up by those."""
        return not (self.channel is self.type is self.outcome is None)

    @property
    def counts_each(self) -> bool:
        """Whether interactions are counted one by one: nothing is summed up by contact."""
        return self.contact_id is not None or self.group_by is GroupBy.CONTACT


async def report(
    connection: Connection, tenant_id: UUID, asked: Asked, *, now: datetime, after: Bound | None = None, limit: int
) -> tuple[list[ReportRow], Bound | None]:
    """A page of a report, and the bound after which the next one begins.

    The most frequent come first, periods in their order. `now` tells what is due from what is overdue.

    Raises:
        DomainError: query.invalid, there are too many periods.
    """
    names, spans = await _spans(connection, tenant_id, asked)
    if not spans:
        return [], None
    asked = await _by_survivor(connection, tenant_id, asked)
    values = {name: getattr(asked, name) for name in _FILTERS} | {
        "tenant": tenant_id,
        "authors": asked.whose,
        "by_author": asked.group_by is GroupBy.OWNER or asked.whose is not None,
        "now": now,
    }
    if asked.group_by is GroupBy.CONTACT:
        values["page"] = await _top(connection, asked, spans[0], values, after, limit)
    found = await _counted(connection, asked, spans, values)
    made = rows(found, {str(number): name for number, name in enumerate(names)})
    return _page(made, asked.group_by, after, limit)


async def _top(
    connection: Connection, asked: Asked, span: Span, values: Mapping[str, Any], after: Bound | None, limit: int
) -> list[UUID]:
    """The contacts of a page, and one more where there are more."""
    place: dict[str, Any] = {"after": after[0] if after else None, "after_id": (after[1] or NOBODY) if after else None}
    having, years = _having(asked, "f"), None if asked.is_narrow else whole_years(span)
    parts = []
    if years:
        parts.append(_YEARS.format(having=_having(asked, "y")))
        place |= {"first": years[0] or "-infinity", "last": years[1] or "infinity"}
    for number, (since, until) in enumerate(around(span, years)):
        parts.append(_ONE_BY_ONE.format(number=number, having=having))
        place |= {f"since{number}": since or "-infinity", f"until{number}": until or "infinity"}
    if asked.whose is not None:
        parts.append(_ANSWERED.format(having=having))
    place |= {"since": span[0] or "-infinity", "until": span[1] or "infinity", "most": limit + 1}
    query = _TOP.format(counted=" UNION ALL ".join(parts))
    found = await (await connection.execute(*placed(query, {**values, **place}))).fetchall()
    return [row[0] for row in found]


async def _counted(connection: Connection, asked: Asked, spans: Sequence[Span], values: Mapping[str, Any]) -> Raw:
    having = _having(asked, "f")
    if asked.group_by is GroupBy.CONTACT:
        having += " AND f.contact_id = ANY(%(page)s)"
    whole, edges = ([], []) if asked.counts_each else pieces(spans)
    counts = (
        _EACH.format(having=having)
        if asked.counts_each
        else _COUNTS.format(having=_having(asked, "c"), having_each=having)
    )
    numbered = [{"number": number, "since": since, "until": until} for number, (since, until) in enumerate(spans)]
    parts = {"spans": numbered, "pieces": whole, "edges": edges}
    query = _REPORT.format(key=_KEYS[asked.group_by], counts=counts, having=having)
    every = {**values, **{name: json.encode(part).decode() for name, part in parts.items()}}
    found = await (await connection.execute(*placed(query, every))).fetchone()
    return _raw.decode(found[0])


def _having(asked: Asked, alias: str) -> str:
    """What else must hold of what is counted, as conditions on a table."""
    conditions = [f"AND {alias}.{name} = %({name})s" for name in _FILTERS if getattr(asked, name) is not None]
    return " ".join(conditions + ([f"AND {alias}.author_id = ANY(%(authors)s)"] if asked.whose is not None else []))


async def _by_survivor(connection: Connection, tenant_id: UUID, asked: Asked) -> Asked:
    """What is counted is counted of the contact that one was merged into."""
    if asked.contact_id is None:
        return asked
    found = await survivors(connection, tenant_id, [asked.contact_id])
    return structs.replace(asked, contact_id=found[asked.contact_id])


async def _spans(connection: Connection, tenant_id: UUID, asked: Asked) -> tuple[list[str], list[Span]]:
    """The time that it is about: whole, or in periods, which have names."""
    since, until = bounded(asked.since), bounded(asked.until)
    if asked.group_by is not GroupBy.PERIOD:
        return [], [(since, until)]
    if since is None or until is None:
        first, last = await (await connection.execute(_BETWEEN, (tenant_id,))).fetchone()
        if first is None:
            return [], []
        since = since or _midnight(first)
        until = until or _midnight(last) + timedelta(days=1)
    found = periods((since, until), asked.interval, asked.zone)
    if len(found) > MOST_PERIODS:
        raise DomainError(
            "query.invalid",
            f"the report would have more than {MOST_PERIODS} periods",
            hint="Send from and to, or a longer interval.",
            errors=[FieldError("interval", "report.too_many_periods", "is too short for the time that is asked about")],
        )
    return [str(first) for first, _, _ in found], [(begin, end) for _, begin, end in found]


def _page(
    made: list[ReportRow], group_by: GroupBy, after: Bound | None, limit: int
) -> tuple[list[ReportRow], Bound | None]:
    """The rows of a page, in order."""
    if group_by is GroupBy.PERIOD:
        ordered = sorted((row for row in made if row.key), key=lambda row: row.key or "")
        left = [row for row in ordered if after is None or (row.key or "") > after[1]]
    else:
        ordered = sorted(made, key=_place)
        left = [row for row in ordered if after is None or _place(row) > (-after[0], after[1])]
    shown = left[:limit]
    return shown, (shown[-1].count, shown[-1].key or "") if len(left) > limit else None


def _midnight(at: datetime) -> datetime:
    """The beginning of its day, of UTC."""
    return min(max(at.astimezone(UTC), EARLIEST), LATEST).replace(hour=0, minute=0, second=0, microsecond=0)


def _place(row: ReportRow) -> tuple[int, str]:
    return -row.count, row.key or ""
