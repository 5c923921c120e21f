"""Contacts that are probably one person, over HTTP."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get, post
from msgspec import Meta, Struct, structs

from api.http.answer import Answer
from api.http.contacts import examples_duplicates as examples
from api.http.contacts.there import READ_MODELS, require_contact
from api.http.exchange import JSON, HttpRequest, WriteQuery, path_id, principal_of, query_of, services_of, write_headers
from api.http.operation import operation
from api.http.read_after import caught_up, settled
from api.http.reading import Readable
from api.http.shapes import Cursor, DryRun, Limit, Page, dry_run_answer
from api.http.telling import HIDING
from api.http.writing import NoBody, carry_out
from commands.contacts.matching import DismissPair
from commands.registry import DISMISS_DUPLICATES
from commands.sight import SEEING
from commands.visible import CONTACTS, View, view_of
from domain.errors import DomainError, FieldError, GoneError, NotFoundError
from domain.matching import Dismissal, MatchingRules
from projections.duplicates import duplicates
from projections.duplicates import queries as duplicate_queries
from projections.duplicates import rules as matching_rules
from projections.duplicates.people import score_of
from projections.duplicates.queries import Pair, probability
from projections.matching.person import FAMILY, GIVEN
from projections.position import Level

_READ = tuple(p.checkpoint for p in (duplicates.PROJECTION, matching_rules.DISMISSED, matching_rules.RULES))
_WRITING = "contacts.write"
_MOST_SECONDS, _POLL_SECONDS = 2.0, 0.1
_TOLD = {GIVEN: "name.given", FAMILY: "name.family"}
_DIGITS = 2


class Decided(StrEnum):
    """What a score is enough for."""

    SUGGEST = "suggest"
    MERGE = "merge"


class Reason(Struct, frozen=True):
    """What one field says: how far the two agree in it, and how many bits that weighs for one person (or against)."""

    field: str
    agreement: str
    weight: float


class DuplicateView(Struct, frozen=True, kw_only=True):
    """Two contacts that are probably one person, how probably, and why."""

    id: UUID
    contact_ids: tuple[UUID, UUID]
    score: float
    decision: Decided
    reasons: list[Reason]


class DismissalView(Struct, frozen=True, kw_only=True):
    """Two contacts that somebody found to be two people."""

    id: UUID
    version: int
    contact_ids: tuple[UUID, UUID]
    dismissed_at: datetime


class DuplicatesQuery(Struct, forbid_unknown_fields=True):
    """From which score on, and page."""

    min_score: Annotated[float, Meta(ge=0, le=1, description="The least score; else what is suggested.")] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/contacts/duplicates",
    **operation(
        summary="List contacts that are probably one person",
        description=(
            "Pairs, the most probable first. `score` is a probability, learnt from the tenant's own contacts;"
            " `decision` says whether it is enough to merge by itself under the matching rules. Pairs are listed from"
            " suggest_at on, or from min_score, but none below 0.3 (or suggest_at, where that is less). Both contacts"
            " are within the reach of the caller's contacts.read, and nobody dismissed the pair. Who may not see a"
            " field that contacts are compared by gets scores without it, in no order that would tell of it, and pages"
            f" that may be short. {HIDING}"
        ),
        tag="contacts",
        permission=SEEING,
        query=DuplicatesQuery,
        answers={200: Page[DuplicateView]},
        errors=("cursor.invalid",),
        result={"data": [examples.DUPLICATE], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_duplicates(request: HttpRequest) -> Answer:
    """A page of pairs."""
    query: DuplicatesQuery = query_of(request, DuplicatesQuery)
    caller, services = principal_of(request), services_of(request)
    scope = ["duplicates", query.min_score]
    after = None if query.cursor is None else services.cursors.read(query.cursor, caller.tenant_id, scope)
    level = await settled(request, (*_READ, *READ_MODELS))
    rules = await _rules(request, level)
    view = view_of(caller, CONTACTS)
    hidden = {field for key in rules.keys for field in _fields(key) if view.hides(_TOLD.get(field, field))}
    least = score_of(rules.suggest_at if query.min_score is None else query.min_score)
    page: Any = partial(duplicate_queries.page_without, hidden=hidden) if hidden else duplicate_queries.page
    page = partial(page, tenant_id=caller.tenant_id, least=least, after=after, limit=query.limit)
    page = partial(page, owners=caller.owners(SEEING))
    pairs, bound = await services.reads.ask(caller.tenant_id, page, at_least=level)
    next_cursor = services.cursors.make(caller.tenant_id, scope, bound) if bound else None
    return Answer(Page(data=[_view(pair, rules, view) for pair in pairs], next_cursor=next_cursor))


@post(
    "/contacts/duplicates/{duplicates_id:str}/dismiss",
    status_code=200,
    **operation(
        summary="Say that two contacts are two people",
        description="The pair is not listed any more, whatever becomes of the two and however often all is compared.",
        tag="contacts",
        permission=_WRITING,
        body=NoBody,
        query=WriteQuery,
        answers={200: (DismissalView, DryRun)},
        errors=("duplicates.not_found",),
        example={},
        result=examples.DISMISSED,
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def dismiss(request: HttpRequest) -> Answer:
    """A pair less."""
    pair_id = path_id(request, "duplicates_id", "duplicates")
    found: list[tuple[UUID, UUID]] = []

    async def admit(state: Dismissal | None) -> None:
        contact_ids = state.contact_ids if state else await _contacts_of(request, pair_id)
        try:
            for contact_id in contact_ids:
                await require_contact(request, contact_id, _WRITING)
        except (NotFoundError, GoneError):
            raise NotFoundError("duplicates") from None
        found.append(contact_ids)

    async def understand(readable: Readable[Any]) -> tuple[DismissPair, Sequence[FieldError]]:
        return DismissPair(found[-1]), readable.errors

    case = structs.replace(DISMISS_DUPLICATES, admit=admit)
    dry_run, outcome = await carry_out(request, case, NoBody, JSON, understand, stream_id=pair_id)
    state = outcome.state
    shown = DismissalView(
        id=state.id, version=state.version, contact_ids=state.contact_ids, dismissed_at=state.dismissed_at
    )
    return dry_run_answer(outcome, shown) if dry_run else Answer(shown, headers=write_headers(outcome))


async def _contacts_of(request: HttpRequest, pair_id: UUID) -> tuple[UUID, UUID]:
    """The two contacts of a pair that is there now, or was found a moment ago. Raises NotFoundError for others."""
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    query = partial(duplicate_queries.contacts_of, tenant_id=tenant_id, pair_id=pair_id)
    found = await services.reads.ask(tenant_id, query)
    if found is None and (level := await caught_up(request, _READ)):
        found = await services.reads.ask(tenant_id, query, at_least=level)
    if found is None:
        raise NotFoundError("duplicates")
    return found


async def _rules(request: HttpRequest, level: Level | None) -> MatchingRules:
    """The rules; where something is to be included, those that all pairs were found and scored by.

    Raises:
        DomainError: read_after.timeout.
    """
    tenant_id, reads = principal_of(request).tenant_id, services_of(request).reads
    until = time.monotonic() + _MOST_SECONDS
    while True:
        rules = await reads.ask(tenant_id, partial(matching_rules.rules_of, tenant_id=tenant_id), at_least=level)
        complete = partial(duplicate_queries.is_complete, tenant_id=tenant_id, rules=rules.version)
        if level is None or await reads.ask(tenant_id, complete, at_least=level):
            return rules
        if time.monotonic() > until:
            raise DomainError(
                "read_after.timeout",
                "contacts are still being compared: many have just come, or matching rules were set",
                hint="Try again in a moment, or read without Read-After for what is there now.",
            )
        await asyncio.sleep(_POLL_SECONDS)


def _fields(key: str) -> tuple[str, ...]:
    return (GIVEN, FAMILY) if key == "name" else (key,)


def _view(pair: Pair, rules: MatchingRules, view: View) -> DuplicateView:
    score = probability(pair.score)
    reasons = [
        Reason(told, part.agreement, round(part.weight, _DIGITS))
        for part in pair.parts
        for told in (_TOLD.get(part.field, part.field),)
        if not view.hides(told)
    ]
    return DuplicateView(
        id=pair.id,
        contact_ids=pair.contact_ids,
        score=score,
        decision=Decided.MERGE if score >= rules.merge_at else Decided.SUGGEST,
        reasons=reasons,
    )


ROUTER = Router(path="/v1", route_handlers=[list_duplicates, dismiss])
