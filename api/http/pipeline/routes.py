"""The pipeline over HTTP: figures, and how they have come about over time."""

from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from msgspec import Meta, Struct, structs

from api.http import charts
from api.http.answer import Answer
from api.http.as_of import AsOf, moment_of
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.leads import examples
from api.http.leads.reach import SEEING
from api.http.operation import operation
from api.http.read_after import settled
from api.http.reports.charts import pipeline_bars, trend_bars
from api.http.telling import require_shown
from api.http.tried import note_filters
from commands.identity.access import Principal
from commands.visible import LEADS, view_of
from domain.errors import DomainError, FieldError
from projections.leads import lead as lead_rows
from projections.pipeline import pipeline as sums
from projections.pipeline import queries as pipeline_queries
from projections.pipeline.figures import PipelineView, Step, TrendRow
from projections.pipeline.queries import Asked

READ_MODELS = (sums.PROJECTION.checkpoint,)
_PAST = (lead_rows.PROJECTION.checkpoint,)
DEFINITION = (
    "Of the leads that the caller may read. `from` (included) and `to` (not included) are times at which leads entered"
    " a status; they act on conversion, win_rate and trend. docs/leads.md defines every figure."
)

From = Annotated[datetime, Meta(tz=True, description="Of entries at this time or later.")]
To = Annotated[datetime, Meta(tz=True, description="Of entries before this time.")]


class Format(StrEnum):
    """How figures are given."""

    JSON = "json"
    SVG = "svg"


class PipelineQuery(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Which leads, and of which period."""

    since: From | None = None
    until: To | None = None
    owner_id: UUID | None = None
    source: str | None = None
    as_of: AsOf | None = None
    format: Format = Format.JSON


class TrendQuery(PipelineQuery, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """The same, and how long a period is."""

    interval: Step = Step.WEEK


class Trend(Struct, frozen=True):
    """Entries into each status, period by period, the oldest first; periods without any are left out."""

    data: list[TrendRow]
    next_cursor: str | None = None


@get(
    "/pipeline",
    **operation(
        summary="Look at the pipeline",
        description=DEFINITION,
        tag="leads",
        permission=SEEING,
        query=PipelineQuery,
        answers={200: PipelineView},
        result=examples.PIPELINE,
        files={charts.MEDIA: examples.PIPELINE_SVG},
        read_after=True,
        scoped=True,
    ),
)
async def read_pipeline(request: HttpRequest) -> Answer:
    """Where leads stand, and how they get on."""
    query: PipelineQuery = query_of(request, PipelineQuery)
    caller, services = principal_of(request), services_of(request)
    about = asked(caller, query)
    moment = await moment_of(request, query.as_of)
    level = await (settled(request, _PAST, at_least=moment.position) if moment else settled(request, READ_MODELS))
    look = partial(pipeline_queries.pipeline, tenant_id=caller.tenant_id, asked=about, at=services.clock())
    found = await services.reads.ask(caller.tenant_id, partial(look, as_of=moment), at_least=level)
    if not any(status.count for status in found.statuses):
        note_filters(request, query)
    if query.format is Format.SVG:
        with_values = not view_of(caller, LEADS).hides("value")
        return await charts.chart(pipeline_bars(found, with_values=with_values))
    return Answer(told(caller, found))


@get(
    "/pipeline/trend",
    **operation(
        summary="See how the pipeline has moved",
        description=(
            f"{DEFINITION} A `period` is named by its first day in the tenant's time zone (GET /settings); weeks begin"
            " on Monday."
        ),
        tag="leads",
        permission=SEEING,
        query=TrendQuery,
        answers={200: Trend},
        result=examples.TREND,
        files={charts.MEDIA: examples.PIPELINE_SVG},
        read_after=True,
        scoped=True,
    ),
)
async def read_trend(request: HttpRequest) -> Answer:
    """Entries into each status over time."""
    query: TrendQuery = query_of(request, TrendQuery)
    caller, services = principal_of(request), services_of(request)
    about = asked(caller, query)
    moment = await moment_of(request, query.as_of)
    level = await (settled(request, _PAST, at_least=moment.position) if moment else settled(request, READ_MODELS))
    look = partial(
        pipeline_queries.trend_of,
        tenant_id=caller.tenant_id,
        asked=about,
        step=query.interval,
        zone=caller.settings.timezone,
    )
    rows = await services.reads.ask(caller.tenant_id, partial(look, as_of=moment), at_least=level)
    if not rows:
        note_filters(request, query)
    if query.format is Format.SVG:
        return await charts.chart(trend_bars(rows))
    return Answer(Trend(rows))


def asked(caller: Principal, query: Any) -> Asked:
    """What is asked for, within the caller's reach; a query has since, until, owner_id and source.

    Raises:
        DomainError: query.invalid.
    """
    used = [name for name in ("owner_id", "source") if getattr(query, name) is not None]
    require_shown(view_of(caller, LEADS), {name: name for name in used})
    if query.since and query.until and query.since >= query.until:
        raise DomainError(
            "query.invalid",
            "the period ends before it begins",
            hint="Send a `to` after `from`.",
            errors=[FieldError("to", "time.before_from", "is not after from")],
        )
    return Asked(
        owners=caller.owners(SEEING),
        owner_id=query.owner_id,
        source=query.source,
        since=query.since,
        until=query.until,
    )


def told(caller: Principal, found: PipelineView) -> Any:
    """The figures without what is hidden."""
    if not view_of(caller, LEADS).hides("value"):
        return found
    return structs.asdict(found) | {
        "statuses": [
            {name: value for name, value in structs.asdict(each).items() if name != "values"} for each in found.statuses
        ],
        "conversion": found.conversion,
    }
