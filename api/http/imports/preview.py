"""What would become of the rows of an import: the first ones in full, or all of them counted."""

from uuid import UUID

from litestar import post
from msgspec import structs, to_builtins

from api.http.answer import Answer
from api.http.exchange import HttpRequest, NoQuery, context_of, path_id, principal_of, query_of, services_of
from api.http.imports import examples
from api.http.imports.reach import import_of
from api.http.imports.views import Counted, Preview, PreviewRow
from api.http.operation import operation
from api.http.shapes import DryEvent, DryRun
from api.http.telling import events_told, telling
from commands.decision import Given
from commands.imports import job as imports
from commands.imports.file import Portion, unpacked
from commands.imports.outcomes import counted
from commands.imports.portion import PERMISSION, Outcome
from commands.imports.ports import ROWS
from commands.imports.trial import Trial
from commands.visible import CONTACTS
from domain.errors import DomainError
from domain.imports import Counts, Import
from projections.contacts import queries as contact_queries
from projections.contacts.queries import CompanyRef

SHOWN = 20
SAMPLED = 20
MOST_ROWS = 20_000
"""Of a dry run: it is answered in one request."""
_AT_ONCE = 100
"""Rows that are decided without a look at other requests."""


@post(
    "/imports/{import_id:str}/preview",
    status_code=200,
    **operation(
        summary="See the first rows of an import as they would become",
        tag="imports",
        permission=PERMISSION,
        query=NoQuery,
        answers={200: Preview},
        errors=("import.not_found", "import.state", "import.file_gone"),
        result=examples.PREVIEW,
        scoped=True,
    ),
)
async def preview(request: HttpRequest) -> Answer:
    """The first rows, with what would be done and what is wrong."""
    query_of(request, NoQuery)
    state = await import_of(request, path_id(request, "import_id", "import"))
    _require_before(state)
    trial = _trial(request, state)
    rows: list[PreviewRow] = []
    for number in range(state.portions):
        portion = unpacked(await _rows_of(request, state, number))
        first = Portion(portion.first, portion.rows[: 2 * SHOWN])
        rows += [_shown(request, outcome) for outcome in await trial.decide(first)]
        if len(rows) >= SHOWN:
            break
    return Answer(Preview(rows[:SHOWN]))


async def dry_start(request: HttpRequest, import_id: UUID) -> Answer:
    """What would become of all rows, as far as one request goes: counts, and a sample of events.

    Raises:
        DomainError: import.*, it can't be started.
    """
    services, caller = services_of(request), principal_of(request)
    state = await import_of(request, import_id)
    given: Given[Import] = Given(
        tenant_id=caller.tenant_id,
        stream_id=import_id,
        state=state,
        now=services.clock(),
        new_id=services.new_id,
        caller=caller.user_id,
        found={},
    )
    imports.start(imports.Start(), given)
    trial = _trial(request, state)
    counts, told = Counts(), events_told(caller)
    sample: list[DryEvent] = []
    for number in range(state.portions):
        portion = unpacked(await _rows_of(request, state, number))
        for first in range(0, len(portion.rows), _AT_ONCE):
            part = Portion(portion.first + first, portion.rows[first : first + _AT_ONCE])
            outcomes = await trial.decide(part)
            counts = counts.plus(counted(outcomes))
            made = (event for each in outcomes for event in each.events if len(sample) < SAMPLED)
            sample += [DryEvent(event.TOPIC, told(event.TOPIC, to_builtins(event))) for event in made][:SAMPLED]
        if counts.done >= MOST_ROWS:
            break
    shown = Counted(total=counts.done, **structs.asdict(counts))
    answered = {"status": state.status, "counts": to_builtins(shown), "rows": counts.done, "total": state.rows}
    return Answer(DryRun(dry_run=True, events=sample[:SAMPLED], state=answered), status=200)


def _trial(request: HttpRequest, state: Import) -> Trial:
    return Trial.of(services_of(request).imports, state, principal_of(request), context_of(request, b"", dry_run=True))


async def _rows_of(request: HttpRequest, state: Import, number: int) -> bytes:
    parts = services_of(request).imports.parts
    data = await parts.get(principal_of(request).tenant_id, state.id, ROWS, number)
    if data is None:
        raise DomainError(
            "import.file_gone", "the file was kept for seven days and is deleted", hint="Upload the file again."
        )
    return data


def _require_before(state: Import) -> None:
    if state.status not in imports.BEFORE:
        raise DomainError(
            "import.state",
            f"the import is {state.status.value}: there is nothing to preview any more",
            hint="Read it with GET /v1/imports/{id}.",
            members={"state": state.status.value},
        )


def _shown(request: HttpRequest, outcome: Outcome) -> PreviewRow:
    told = telling(principal_of(request), CONTACTS)
    contact = None
    if outcome.contact is not None:
        company = outcome.contact.company_id
        reference = CompanyRef(company, outcome.company or "") if company else None
        contact = to_builtins(told(contact_queries.view(outcome.contact, reference)))
    errors = [
        {"column": e.column or None, "code": e.code, "message": e.message, "hint": e.hint, "value": e.value}
        for e in outcome.errors
    ]
    match = {"contact_id": str(outcome.match), "by": outcome.matched_by} if outcome.match else None
    return PreviewRow(row=outcome.number, action=outcome.action, contact=contact, match=match, errors=errors)
