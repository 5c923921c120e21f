"""By what leads are scored, over HTTP."""

from datetime import datetime
from functools import partial
from typing import Any

from litestar import Router, get, put
from msgspec import Struct, to_builtins

from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    HttpRequest,
    NoQuery,
    WriteQuery,
    etag,
    principal_of,
    query_of,
    services_of,
)
from api.http.leads import examples_scoring as examples
from api.http.leads.reach import SEEING
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import DryEvent
from api.http.writing import carry_out, written_answer
from commands.leads.scoring_input import PutScoringRules
from commands.registry_scoring import SET_SCORING_RULES
from domain.scoring import ScoringRules, evolve_rules, rules_id
from projections.leads import score as lead_score
from projections.leads import scoring_rules
from projections.leads.score_queries import is_recalculating
from projections.leads.score_trial import Trial, tried

_READ_MODELS = (scoring_rules.PROJECTION.checkpoint, lead_score.PROJECTION.checkpoint)


class ScoringRulesView(Struct, frozen=True, kw_only=True):
    """By what leads are scored. Version 0, and no times, where the tenant has never set any rules.

    `recalculating`: some leads still have their scores by the rules before these.
    """

    id: str
    version: int
    rules: list[dict[str, Any]]
    recalculating: bool
    created_at: datetime | None
    updated_at: datetime | None


class RulesDryRun(Struct, frozen=True):
    """What rules would do: the event, the rules after it, what would become of the newest leads. Nothing was stored.

    Of leads beyond the caller's leads.read nothing is told.
    """

    dry_run: bool
    events: list[DryEvent]
    state: dict[str, Any]
    trial: Trial


@get(
    "/scoring-rules",
    **operation(
        summary="Read by what leads are scored",
        description="After rules were set, leads are scored anew in the background: `recalculating` says so meanwhile.",
        tag="leads",
        permission="settings.read",
        query=NoQuery,
        answers={200: ScoringRulesView},
        result=examples.RULES,
        read_after=True,
    ),
)
async def read_rules(request: HttpRequest) -> Answer:
    """The rules as they are."""
    query_of(request, NoQuery)
    await settled(request, _READ_MODELS)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    stream_id = rules_id(tenant_id)
    found = await services.handler.found(tenant_id, "scoring", evolve_rules, stream_id)
    state = found or ScoringRules(id=stream_id)
    recalculating = await services.reads.ask(tenant_id, partial(is_recalculating, tenant_id=tenant_id))
    return Answer(_view(state, recalculating=recalculating), headers={"ETag": etag(state.version)})


@put(
    "/scoring-rules",
    **operation(
        summary="Say by what leads are scored",
        description=(
            "All rules at once. A rule that is sent with its `id`, or is in all like one that stands, stays that rule."
            " A dry run reckons what would become of the scores of up to 1,000 leads, the newest, and stores nothing."
            " Rules are about what is not personal of leads, and about interactions with a lead or its contact: see"
            " docs/scoring.md."
        ),
        tag="leads",
        permission="settings.manage",
        body=PutScoringRules,
        query=WriteQuery,
        answers={200: (ScoringRulesView, RulesDryRun)},
        example=examples.PUT_RULES,
        result=examples.RULES,
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def set_rules(request: HttpRequest) -> Answer:
    """Other rules, or what they would do."""
    stream_id = rules_id(principal_of(request).tenant_id)
    dry_run, outcome = await carry_out(request, SET_SCORING_RULES, PutScoringRules, JSON, stream_id=stream_id)
    state = outcome.state
    if dry_run:
        events = [DryEvent(event.TOPIC, to_builtins(event)) for event in outcome.events]
        rules = to_builtins(_view(state, recalculating=False))
        return Answer(
            RulesDryRun(dry_run=True, events=events, state=rules, trial=await _trial(request, state)), status=200
        )
    return written_answer(outcome, _view(state, recalculating=bool(outcome.events)), dry=False)


async def _trial(request: HttpRequest, state: ScoringRules) -> Trial:
    caller, services = principal_of(request), services_of(request)
    day, owners = services.clock().date(), caller.owners(SEEING)
    ask = partial(tried, tenant_id=caller.tenant_id, rules=state.rules, day=day, owners=owners)
    return await services.reads.ask(caller.tenant_id, ask)


def _view(state: ScoringRules, *, recalculating: bool) -> ScoringRulesView:
    return ScoringRulesView(
        id=str(state.id),
        version=state.version,
        rules=to_builtins(state.rules),
        recalculating=recalculating,
        created_at=state.created_at,
        updated_at=state.updated_at,
    )


ROUTER = Router(path="/v1", route_handlers=[read_rules, set_rules])
