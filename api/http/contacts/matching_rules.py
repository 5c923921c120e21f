"""By what duplicates are found, over HTTP."""

from datetime import datetime

from litestar import Router, get, put
from msgspec import Struct

from api.http.answer import Answer
from api.http.contacts import examples_duplicates as examples
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
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import DryRun
from api.http.writing import carry_out, written_answer
from commands.contacts.matching import PutRules
from commands.registry import SET_MATCHING_RULES
from domain.matching import MatchingRules, evolve_rules, rules_id
from projections.duplicates import queries as duplicate_queries


class MatchingRulesView(Struct, frozen=True, kw_only=True):
    """By what duplicates are found. Version 0, and no times, where the tenant has never set any."""

    id: str
    version: int
    keys: tuple[str, ...]
    suggest_at: float
    merge_at: float
    auto_merge: bool
    scored: bool
    """Whether the list of duplicates follows these rules already; it does some time after they were set."""
    created_at: datetime | None
    updated_at: datetime | None


@get(
    "/matching-rules",
    **operation(
        summary="Read by what duplicates are found",
        description=(
            "`scored` tells whether GET /contacts/duplicates follows these rules already: after they were set, all"
            " contacts are compared anew in the background."
        ),
        tag="contacts",
        permission="settings.read",
        query=NoQuery,
        answers={200: MatchingRulesView},
        result=examples.RULES,
        read_after=True,
    ),
)
async def read_rules(request: HttpRequest) -> Answer:
    """The rules as they are."""
    query_of(request, NoQuery)
    await settled(request, ())
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    stream_id = rules_id(tenant_id)
    found = await services.handler.found(tenant_id, "matching_rules", evolve_rules, stream_id)
    state = found or MatchingRules(id=stream_id)
    view = await _view(request, state)
    return Answer(view, headers={"ETag": etag(state.version)})


@put(
    "/matching-rules",
    **operation(
        summary="Say by what duplicates are found",
        description=(
            "The fields that contacts are compared by, from which score (the probability that two contacts are one"
            " person) a pair is suggested, and from which it is sure enough to be merged. What is left out is as usual."
            " Afterwards all contacts are compared anew in the background; until that is done GET"
            " /contacts/duplicates answers by the old rules, or with Read-After says that it is not there yet."
        ),
        tag="contacts",
        permission="settings.manage",
        body=PutRules,
        query=WriteQuery,
        answers={200: (MatchingRulesView, DryRun)},
        example=examples.PUT_RULES,
        result=examples.RULES,
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def set_rules(request: HttpRequest) -> Answer:
    """Other rules."""
    stream_id = rules_id(principal_of(request).tenant_id)
    dry_run, outcome = await carry_out(request, SET_MATCHING_RULES, PutRules, JSON, stream_id=stream_id)
    view = await _view(request, outcome.state, scored=False if dry_run or outcome.events else None)
    return written_answer(outcome, view, dry=dry_run)


async def _view(request: HttpRequest, rules: MatchingRules, *, scored: bool | None = None) -> MatchingRulesView:
    """The rules with whether they are in force; asked where it is not known."""
    if scored is None:
        tenant_id, services = principal_of(request).tenant_id, services_of(request)
        rules_scored = await services.reads.ask(
            tenant_id, lambda connection: duplicate_queries.scored_with(connection, tenant_id)
        )
        scored = rules_scored == rules.version
    return MatchingRulesView(
        id=str(rules.id),
        version=rules.version,
        keys=rules.keys,
        suggest_at=rules.suggest_at,
        merge_at=rules.merge_at,
        auto_merge=rules.auto_merge,
        scored=scored,
        created_at=rules.created_at,
        updated_at=rules.updated_at,
    )


ROUTER = Router(path="/v1", route_handlers=[read_rules, set_rules])
