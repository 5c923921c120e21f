"""What is read of the pipeline: from its sums, or, as of a moment of the past, from the leads that stood then."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from domain.lead import Lead
from projections.leads import lead
from projections.pipeline.figures import PipelineView, Raw, Step, TrendRow, counted, periods, trend, view
from projections.pipeline.stays import Counted, stays_of
from projections.ports import Connection
from projections.position import Moment

_PIPELINE = "SELECT read.pipeline_v1(%s::uuid[], %s::text, %s::timestamptz, %s::timestamptz)::text"
_TREND = """
SELECT coalesce(json_agg(t), '[]')::text
  FROM read.pipeline_trend_v1(%s::uuid[], %s::text, %s::timestamptz, %s::timestamptz, %s::text,
                               %s::text) t
"""
# Who may read a record now may read what it was: whose it was then is not asked.
_STOOD = f"""
SELECT coalesce(json_agg(v), '[]')::text FROM (
    SELECT {", ".join(f"p.{name}" for name in lead.STATE.split(", "))} FROM read.lead_past_v1 p
     WHERE p.tenant_id = %s AND p.id > %s AND p.since <= %s AND (p.until IS NULL OR p.until > %s)
       AND p.deleted_at IS NULL AND (%s::uuid IS NULL OR p.owner_id = %s) AND (%s::text IS NULL OR p.source = %s)
       AND (%s::uuid[] IS NULL OR EXISTS (
            SELECT FROM read.lead_v1 n WHERE n.tenant_id = p.tenant_id AND n.id = p.id AND n.owner_id = ANY (%s)))
     ORDER BY p.id LIMIT {{}}) v
"""
_AT_ONCE = 2000

_raw = msgspec.json.Decoder(Raw)
_leads = msgspec.json.Decoder(list[Lead])


class Asked(Struct, frozen=True, kw_only=True):
    """Which leads, and of which period: from `since` (included) to `until` (not included).

    `owners` are those whose leads may be read (None: everybody's), `owner_id` is the one asked for.
    """

    owners: tuple[UUID, ...] | None = None
    owner_id: UUID | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def whose(self) -> list[UUID] | None:
        """Whose leads it is about; None for everybody's."""
        if self.owner_id is None:
            return None if self.owners is None else list(self.owners)
        return [self.owner_id] if self.owners is None or self.owner_id in self.owners else []


class _Period(Struct, frozen=True):
    period: date
    status: str
    entered: int


_periods = msgspec.json.Decoder(list[_Period])


async def pipeline(
    connection: Connection, tenant_id: UUID, asked: Asked, *, at: datetime, as_of: Moment | None = None
) -> PipelineView:
    """The pipeline, as of now (which is `at`) or of a moment."""
    if as_of:
        stays = await _stays(connection, tenant_id, asked, as_of)
        raw = counted(stays, asked.since, asked.until)
    else:
        parameters = (asked.whose, asked.source, asked.since, asked.until)
        raw = _raw.decode((await (await connection.execute(_PIPELINE, parameters)).fetchone())[0])
    return view(raw, is_bounded=asked.since is not None, as_of=as_of.time if as_of else at)


async def trend_of(
    connection: Connection, tenant_id: UUID, asked: Asked, step: Step, *, zone: str = "UTC", as_of: Moment | None = None
) -> list[TrendRow]:
    """Entries into each status by period of a time zone, oldest first; periods without any are left out."""
    if as_of:
        stays = await _stays(connection, tenant_id, asked, as_of)
        return trend(periods(stays, asked.since, asked.until, step, ZoneInfo(zone)))
    parameters = (asked.whose, asked.source, asked.since, asked.until, step.value, zone)
    found = _periods.decode((await (await connection.execute(_TREND, parameters)).fetchone())[0])
    return trend((row.period, row.status, row.entered) for row in found)


async def _stays(connection: Connection, tenant_id: UUID, asked: Asked, as_of: Moment) -> Sequence[Counted]:
    """The stays of the leads that stood at a moment, read page by page."""
    found: list[Counted] = []
    after, whose = UUID(int=0), None if asked.owners is None else list(asked.owners)
    while True:
        parameters = (
            *(tenant_id, after, as_of.position, as_of.position),
            *(asked.owner_id, asked.owner_id, asked.source, asked.source, whose, whose),
        )
        row = await (await connection.execute(_STOOD.format(_AT_ONCE), parameters)).fetchone()
        leads = _leads.decode(row[0])
        found += [stay for each in leads for stay in stays_of(each)]
        if len(leads) < _AT_ONCE:
            return found
        after = leads[-1].id
