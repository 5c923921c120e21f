"""A lead's score over HTTP: of what it is made, and what models outside say beside it."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Router, get, put
from msgspec import Struct, structs

from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    HttpRequest,
    NoQuery,
    WriteQuery,
    path_id,
    principal_of,
    query_of,
    services_of,
)
from api.http.leads import examples_scoring as examples
from api.http.leads.reach import SEEING, require_lead
from api.http.leads.reads import READ_MODELS, lead_now
from api.http.operation import operation
from api.http.read_after import settled
from api.http.reading import Readable
from api.http.shapes import DryRun
from api.http.writing import carry_out, written_answer
from commands.identity.access import Principal
from commands.leads.score import ContributeScore, Score
from commands.registry_scoring import CONTRIBUTE_SCORE
from commands.sight import SEEING as SEEING_CONTACTS
from commands.visible import CONTACTS, INTERACTIONS, LEADS, view_of
from domain.errors import FieldError
from domain.lead_score import Contribution, contribution_id
from domain.scoring import OF_CONTACT, FieldCondition, InteractionCondition
from projections.leads import contribution as lead_contribution
from projections.leads.score_queries import Hides, ScoreView, explained

_READ_MODELS = (*READ_MODELS, lead_contribution.PROJECTION.checkpoint)
_WRITING, _HEARING = "leads.write", "interactions.read"


class ContributionView(Struct, frozen=True, kw_only=True):
    """What a model says of a lead."""

    id: UUID
    version: int
    lead_id: UUID
    name: str
    value: float
    confidence: float
    explanation: str | None
    at: datetime


@get(
    "/leads/{lead_id:str}/score",
    **operation(
        summary="A lead's score, explained",
        description=(
            "`parts` are what the rules give, each with the position of the event that made it; they add up to `score`."
            " Parts by rules about fields that the caller's roles hide are left out, and those about contacts,"
            " companies or interactions for who may not read all of them. `external` are the last words of models"
            " outside, which are no part of the score."
        ),
        tag="leads",
        permission=SEEING,
        query=NoQuery,
        answers={200: ScoreView},
        errors=("lead.not_found", "lead.deleted"),
        result=examples.SCORE,
        read_after=True,
        scoped=True,
    ),
)
async def read_score(request: HttpRequest) -> Answer:
    """The score and its parts."""
    lead_id = path_id(request, "lead_id", "lead")
    query_of(request, NoQuery)
    caller = principal_of(request)
    level = await settled(request, _READ_MODELS)
    await lead_now(request, lead_id, level)
    ask = partial(explained, tenant_id=caller.tenant_id, lead_id=lead_id, hides=_hiding(caller))
    return Answer(await services_of(request).reads.ask(caller.tenant_id, ask, at_least=level))


@put(
    "/leads/{lead_id:str}/score/{score_name:str}",
    **operation(
        summary="Contribute the score of a model outside",
        description=(
            "Takes the place of what the same model said of this lead before. `score_name` is what the model is called:"
            " a-z, 0-9, point, dash and underscore, up to 63. It is shown with the lead's score, and is no part of it."
            " The answer is 201 where the model had said nothing before."
        ),
        tag="leads",
        permission=_WRITING,
        body=Score,
        query=WriteQuery,
        answers={200: (ContributionView, DryRun), 201: ContributionView},
        errors=("lead.not_found", "lead.deleted"),
        example=examples.CONTRIBUTION,
        result=examples.CONTRIBUTED,
        results={201: examples.CONTRIBUTED},
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def contribute_score(request: HttpRequest) -> Answer:
    """What a model says of a lead."""
    lead_id, name = path_id(request, "lead_id", "lead"), str(request.path_params["score_name"])

    async def admit(_: Contribution | None) -> None:
        await require_lead(request, lead_id, _WRITING)

    async def understand(readable: Readable[Any]) -> tuple[Any, Sequence[FieldError]]:
        return ContributeScore(lead_id=lead_id, name=name, score=readable.value), readable.errors

    case = structs.replace(CONTRIBUTE_SCORE, admit=admit)
    stream_id = contribution_id(lead_id, name)
    dry_run, outcome = await carry_out(request, case, Score, JSON, understand, stream_id=stream_id)
    location = f"/v1/leads/{lead_id}/score/{name}"
    return written_answer(outcome, _view(outcome.state), dry=dry_run, location=location)


def _hiding(caller: Principal) -> Hides:
    """What the caller must not learn of: hidden fields, and contacts and interactions unless all may be read."""
    leads, contacts, talks = (view_of(caller, resource) for resource in (LEADS, CONTACTS, INTERACTIONS))

    def hides(when: FieldCondition | InteractionCondition) -> bool:
        if isinstance(when, InteractionCondition):
            return not caller.may(_HEARING) or talks.hides("type") or bool(when.direction and talks.hides("direction"))
        if when.is_of_contact:
            return not caller.may(SEEING_CONTACTS) or contacts.hides(when.field.removeprefix(OF_CONTACT))
        if when.is_of_company:
            seen = caller.may(SEEING_CONTACTS) and not contacts.hides("company")
            return not seen or leads.hides("company_id")
        return leads.hides(when.field)

    return hides


def _view(state: Contribution) -> ContributionView:
    return ContributionView(
        id=state.id,
        version=state.version,
        lead_id=state.lead_id,
        name=state.name,
        value=state.value,
        confidence=state.confidence,
        explanation=state.explanation,
        at=state.updated_at,
    )


ROUTER = Router(path="/v1", route_handlers=[read_score, contribute_score])
