"""Reports over HTTP: how often, with what outcome, answered how soon, and what is still to be done."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Router, get
from msgspec import Meta, Struct, structs

from api.http import charts
from api.http.answer import Answer
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.interactions.writes import READING
from api.http.operation import operation
from api.http.pipeline.routes import From, To
from api.http.read_after import settled
from api.http.reports import csv as report_csv
from api.http.reports import examples
from api.http.reports.charts import Figure, remainder, report_bars
from api.http.reports.labels import labelled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import require_shown
from api.http.tried import note_filters
from commands.visible import INTERACTIONS, View, view_of
from domain.errors import DomainError, FieldError
from domain.interaction import Channel, Type
from projections.contacts import contact
from projections.identity import user
from projections.pipeline.figures import Step
from projections.position import Level
from projections.reports import queries as report_queries
from projections.reports import report as counted
from projections.reports.figures import GroupBy, ReportRow
from projections.reports.queries import MOST_GROUPS, Asked, Bound

READ_MODELS = (counted.PROJECTION.checkpoint, contact.PROJECTION.checkpoint, user.PROJECTION.checkpoint)
_PERMISSION = "reports.read"
_MOST_PERIODS_DRAWN = 400

_FIELDS: Mapping[str, str] = {
    "owner": "author_id",
    "contact": "contact_id",
    "channel": "channel",
    "type": "type",
    "outcome": "outcome",
    "period": "occurred_at",
}
"""The field that each grouping is about."""
_NEEDS: Mapping[str, str] = {
    "by_type": "type",
    "by_outcome": "outcome",
    "responses": "direction",
    "response_seconds": "direction",
    "next_actions": "next_action",
}
"""The field that each member of a row is made of."""
_DRAWN: Mapping[Figure, str] = {
    Figure.OUTCOMES: "by_outcome",
    Figure.RESPONSE_SECONDS: "response_seconds",
    Figure.NEXT_ACTIONS: "next_actions",
}


class Format(StrEnum):
    """How a report is given."""

    JSON = "json"
    CSV = "csv"
    SVG = "svg"


class ReportQuery(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Which interactions, a row for each what, and how it is given. `from` is included, `to` is not.

    `interval` is for periods, `figure` for charts, `limit` and `cursor` are for JSON.
    """

    group_by: GroupBy = GroupBy.OWNER
    interval: Step = Step.MONTH
    since: From | None = None
    until: To | None = None
    owner_id: UUID | None = None
    contact_id: UUID | None = None
    channel: Channel | None = None
    type: Type | None = None
    outcome: Annotated[str, Meta(max_length=64)] | None = None
    format: Format = Format.JSON
    figure: Figure = Figure.COUNT
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/reports/interactions",
    **operation(
        summary="Report on interactions",
        description=(
            "Of the interactions that the caller may read (interactions.read), a row for each owner, contact, channel,"
            " type, outcome or period: the most frequent first, periods in their order. Periods are those of the"
            " tenant's time zone (GET /settings). docs/reports.md defines every figure. As JSON in pages; as CSV with"
            " all rows; as SVG the 30 most frequent and the others together, of one `figure`. Figures of hidden fields"
            " are absent."
        ),
        tag="reports",
        permission=_PERMISSION,
        query=ReportQuery,
        answers={200: Page[ReportRow]},
        files={"text/csv": examples.CSV, charts.MEDIA: examples.SVG},
        errors=("cursor.invalid",),
        example={"group_by": "owner"},
        result={"data": [examples.ROW], "next_cursor": None},
        read_after=True,
    ),
)
async def report_on_interactions(request: HttpRequest) -> Answer:
    """A report, as JSON, CSV or SVG."""
    query: ReportQuery = query_of(request, ReportQuery)
    caller, services = principal_of(request), services_of(request)
    view = view_of(caller, INTERACTIONS)
    _check(view, query)
    asked = Asked(
        group_by=query.group_by,
        interval=query.interval,
        zone=ZoneInfo(caller.settings.timezone),
        since=query.since,
        until=query.until,
        authors=caller.owners(READING),
        owner_id=query.owner_id,
        contact_id=query.contact_id,
        channel=query.channel and query.channel.value,
        type=query.type and query.type.value,
        outcome=query.outcome,
    )
    scope = ["reports/interactions", structs.replace(query, limit=0, cursor=None)]
    after = services.cursors.read(query.cursor, caller.tenant_id, scope) if query.cursor is not None else None
    level = await settled(request, READ_MODELS)
    match query.format:
        case Format.CSV:
            rows = await _whole(request, asked, level)
            name = f"interactions-by-{query.group_by.value}.csv"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            answer = Answer(_csv(view, rows), headers=headers, media=report_csv.MEDIA.encode())
        case Format.SVG:
            rows, others = await _most(request, asked, level)
            with_types = not _is_hidden(view, "by_type")
            answer = await charts.chart(report_bars(rows, others, query.group_by, query.figure, with_types=with_types))
        case Format.JSON:
            rows, bound = await _page(request, asked, level, after, query.limit)
            next_cursor = services.cursors.make(caller.tenant_id, scope, bound) if bound else None
            answer = Answer(Page(data=[_told(view, row) for row in rows], next_cursor=next_cursor))
    if not rows:
        note_filters(request, query)
    return answer


def _check(view: View, query: ReportQuery) -> None:
    """Refuse what is about hidden fields, and what does not go together.

    Raises:
        DomainError: query.invalid.
    """
    used = {"group_by": _FIELDS[query.group_by]}
    used |= {"from": "occurred_at"} if query.since else {}
    used |= {"to": "occurred_at"} if query.until else {}
    filters = {"owner_id": "author_id", "contact_id": "contact_id", "channel": "channel", "type": "type"}
    filters |= {"outcome": "outcome"}
    used |= {name: field for name, field in filters.items() if getattr(query, name) is not None}
    if query.format is Format.SVG and query.figure in _DRAWN:
        used["figure"] = _NEEDS[_DRAWN[query.figure]]
    require_shown(view, used)
    if query.since and query.until and query.since >= query.until:
        raise _invalid("the period ends before it begins", FieldError("to", "time.before_from", "is not after from"))
    if query.cursor is not None and query.format is not Format.JSON:
        raise _invalid("only JSON comes in pages", FieldError("cursor", "parameter.not_here", "is for format=json"))


async def _page(
    request: HttpRequest, asked: Asked, level: Level | None, after: Any, limit: int
) -> tuple[list[ReportRow], Bound | None]:
    """A page of the report, with the names of those that it is about."""
    caller, services = principal_of(request), services_of(request)
    place = (after[0], after[1]) if after else None
    query = partial(report_queries.report, asked=asked, now=services.clock(), after=place, limit=limit)
    rows, bound = await services.reads.ask(caller.tenant_id, partial(query, tenant_id=caller.tenant_id), at_least=level)
    return await labelled(request, asked.group_by, rows, level), bound


async def _whole(request: HttpRequest, asked: Asked, level: Level | None) -> list[ReportRow]:
    """All of the report.

    Raises:
        DomainError: query.invalid, it has too many rows for one file.
    """
    rows, bound = await _page(request, asked, level, None, MOST_GROUPS)
    if bound:
        what = "takes fewer rows; send from and to or filters, or read it as JSON, page by page"
        error = FieldError("format", "report.too_many_rows", what)
        raise _invalid(f"the report has more than {MOST_GROUPS} rows", error)
    return rows


async def _most(request: HttpRequest, asked: Asked, level: Level | None) -> tuple[list[ReportRow], ReportRow | None]:
    """What a chart has room for, and the rest together.

    Raises:
        DomainError: query.invalid, more periods than can be drawn.
    """
    by_period = asked.group_by is GroupBy.PERIOD
    rows, bound = await _page(request, asked, level, None, _MOST_PERIODS_DRAWN if by_period else charts.MOST_BARS)
    if bound is None:
        return rows, None
    if by_period:
        what = f"takes {_MOST_PERIODS_DRAWN} periods; send from and to, or a longer interval"
        error = FieldError("format", "report.too_many_rows", what)
        raise _invalid("there are more periods than can be drawn", error)
    # All of them, in few groups.
    every, _ = await _page(request, structs.replace(asked, group_by=GroupBy.CHANNEL), level, None, MOST_GROUPS)
    return rows, remainder(rows, every)


def _told(view: View, row: ReportRow) -> Any:
    """A row without what is hidden."""
    if view.is_free:
        return row
    return {name: value for name, value in structs.asdict(row).items() if not _is_hidden(view, name)}


def _csv(view: View, rows: Sequence[ReportRow]) -> bytes:
    return report_csv.written(rows, partial(_is_hidden, view))


def _is_hidden(view: View, member: str) -> bool:
    return member in _NEEDS and view.hides(_NEEDS[member])


def _invalid(detail: str, error: FieldError) -> DomainError:
    return DomainError("query.invalid", detail, hint="Correct the parameters listed in errors.", errors=[error])


ROUTER = Router(path="/v1", route_handlers=[report_on_interactions])
