"""Imports over HTTP: upload a file, say what its columns are, start, cancel, undo."""

from typing import Any
from uuid import UUID

import phonenumbers
from litestar import post, put
from msgspec import Struct, structs

from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    HttpRequest,
    WriteQuery,
    alone,
    context_of,
    etag,
    path_id,
    principal_of,
    query_of,
    services_of,
    write_headers,
)
from api.http.imports import examples
from api.http.imports.preview import dry_start
from api.http.imports.reach import within
from api.http.imports.upload import Options, Receiving, Upload
from api.http.imports.views import ImportView, view
from api.http.operation import BODY_ERRORS, operation
from api.http.reading import Readable
from api.http.shapes import DryRun, dry_run_answer
from api.http.writing import NoBody, carry_out
from commands.decision import Context, KeyOf
from commands.handle import Outcome, UseCase
from commands.imports import mapping as import_mapping
from commands.imports.guess import guessed, labels_of
from commands.imports.job import Cancel, Map, Receive, Start, Undo
from commands.imports.portion import PERMISSION
from commands.imports.ports import ROWS
from commands.registry import CANCEL_IMPORT, MAP_IMPORT, RECEIVE_IMPORT, START_IMPORT, UNDO_IMPORT
from commands.visible import CONTACTS, view_of
from domain.errors import DomainError, FieldError
from domain.imports import Import, ImportReceived

REFUSED = tuple(
    f"import.{why}"
    for why in (
        *("binary", "empty", "encoding", "field_too_long", "no_header", "not_csv", "too_many_columns"),
        "unclosed_quote",
    )
)
_PATH = "/imports/{import_id:str}"


class UploadForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A form (multipart/form-data): the options as JSON, then the file."""

    options: Options = Options()
    file: str = ""


class MapBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """Columns and what they are; null, or not to be there, leaves one out."""

    mapping: dict[str, str | None]


@post(
    "/imports",
    status_code=202,
    **operation(
        summary="Upload a file of contacts",
        description=(
            "CSV in whatever encoding, with commas, semicolons, tabs or | between its cells. What its columns are is"
            " guessed, from the headers in many languages and from the values; PUT .../mapping corrects it."
        ),
        tag="imports",
        permission=PERMISSION,
        body=UploadForm,
        media=("multipart/form-data",),
        query=WriteQuery,
        answers={202: ImportView, 200: DryRun},
        errors=REFUSED,
        example=examples.UPLOAD,
        result=examples.IMPORT,
        results={200: examples.DRY},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def upload(request: HttpRequest) -> Answer:
    """Take a file in."""
    query: WriteQuery = query_of(request, WriteQuery)
    services, caller = services_of(request), principal_of(request)
    imports, tenant_id = services.imports, caller.tenant_id
    import_id: UUID = services.new_id()
    context = context_of(request, b"", dry_run=query.dry_run)
    begun = False

    async def keep(number: int, portion: bytes) -> None:
        nonlocal begun
        if query.dry_run:
            return
        if not begun:
            await imports.parts.begin(tenant_id, import_id)
            begun = True
        await imports.parts.put(tenant_id, import_id, ROWS, number, portion)

    async with alone(request, context):
        replayed = True
        try:
            taken = await Receiving(request, imports.most_bytes, keep).receive(patience=services.body_seconds)
            command = Receive(await _received(request, taken), taken.options.auto_start)
            if command.start and not query.dry_run:
                await imports.queue.queue(tenant_id, import_id)
            outcome = await services.handler.handle(
                _with_body(context, taken.digest), RECEIVE_IMPORT, lambda: (command, ()), stream_id=import_id
            )
            replayed = outcome.replayed
        finally:
            if begun and replayed:  # it was refused, or is here already
                await imports.parts.drop(tenant_id, import_id)
    return _answer(outcome, dry_run=query.dry_run)


@put(
    f"{_PATH}/mapping",
    **operation(
        summary="Say what the columns of an import are",
        description=(
            "Fields are id, name, given, family, display, email, phone (with a kind: phone.mobile), company, title,"
            " tags, owner, lifecycle, external_ids.SYSTEM and custom.KEY."
        ),
        tag="imports",
        permission=PERMISSION,
        body=MapBody,
        query=WriteQuery,
        answers={200: (ImportView, DryRun)},
        errors=("import.not_found", "import.state"),
        example=examples.MAPPING,
        result=examples.IMPORT | {"version": 2},
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def map_columns(request: HttpRequest) -> Answer:
    """Other columns."""
    caller = principal_of(request)
    customs = labels_of(caller)

    async def understand(readable: Readable[MapBody]) -> tuple[Map, Any]:
        mapping: Any = readable.value.mapping or {}
        return Map(mapping=mapping, customs=customs, view=view_of(caller, CONTACTS)), readable.errors

    dry_run, outcome = await carry_out(
        request, within(MAP_IMPORT, caller), MapBody, JSON, understand, stream_id=_import_id(request)
    )
    return _answer(outcome, dry_run=dry_run)


def _act(path: str, summary: str, description: str, result: Any, *errors: str) -> dict[str, Any]:
    return {
        "path": f"{_PATH}/{path}",
        "status_code": 202,
        **operation(
            summary=summary,
            description=description,
            tag="imports",
            permission=PERMISSION,
            query=WriteQuery,
            answers={202: ImportView, 200: DryRun},
            errors=("import.not_found", "import.state", *BODY_ERRORS, *errors),
            result=result,
            results={200: examples.DRY_START if path == "start" else examples.DRY},
            writes=True,
            idempotent=True,
            scoped=True,
            if_match=True,
        ),
    }


@post(
    **_act(
        "start",
        "Start an import",
        "A dry run tells what would become of the rows: counts, and a sample of events.",
        examples.RUNNING,
        "import.not_ready",
        "import.file_gone",
        "permission.missing",
    )
)
async def start(request: HttpRequest) -> Answer:
    """Make contacts of the rows."""
    query: WriteQuery = query_of(request, WriteQuery)
    if query.dry_run:
        return await dry_start(request, _import_id(request))
    return await _act_on(request, START_IMPORT, Start())


@post(**_act("cancel", "Cancel an import", "It stops; what was written stays.", examples.IMPORT))
async def cancel(request: HttpRequest) -> Answer:
    """Stop it."""
    return await _act_on(request, CANCEL_IMPORT, Cancel(), queued=False)


@post(
    **_act(
        "undo",
        "Take an import back",
        "Contacts that it made are deleted, fields that it wrote get back what they were, and companies that it made"
        " are deleted, but for what somebody has changed or uses since: that is listed in .../errors.",
        examples.UNDOING,
    )
)
async def undo(request: HttpRequest) -> Answer:
    """Take back what it wrote."""
    return await _act_on(request, UNDO_IMPORT, Undo())


async def _act_on(request: HttpRequest, case: UseCase[Any, Import], command: Any, *, queued: bool = True) -> Answer:
    import_id, caller = _import_id(request), principal_of(request)

    async def understand(readable: Readable[Any]) -> tuple[Any, Any]:
        # Before it is in the log: a worker that finds nothing to do looks again, one that is told of nothing never.
        if queued and not query_of(request, WriteQuery).dry_run:
            await services_of(request).imports.queue.queue(caller.tenant_id, import_id)
        return command, readable.errors

    case = within(case, caller)
    dry_run, outcome = await carry_out(request, case, NoBody, JSON, understand, stream_id=import_id)
    return _answer(outcome, dry_run=dry_run)


def _answer(outcome: Outcome[Import], *, dry_run: bool) -> Answer:
    made = view(outcome.state)
    if dry_run:
        return dry_run_answer(outcome, made)
    headers = write_headers(outcome)
    if outcome.status == 202:  # noqa: PLR2004
        headers["Location"] = f"/v1/imports/{outcome.stream_id}"
    headers["ETag"] = etag(made.version)
    return Answer(made, status=outcome.status, headers=headers)


async def _received(request: HttpRequest, taken: Upload) -> ImportReceived:
    """What the log says of a file."""
    intake, caller = taken.intake, principal_of(request)
    guess = await guessed(services_of(request).imports.deciding, caller, intake.columns, intake.sample)
    return ImportReceived(
        file_name=taken.file_name,
        columns=intake.columns,
        mapping=guess,
        dates=intake.dates,
        country=_country(taken.options.country),
        policy=taken.options.policy,
        encoding=intake.encoding,
        delimiter=intake.delimiter,
        rows=intake.rows,
        portions=intake.portions,
        ready=import_mapping.is_ready(guess),
        owner_id=caller.user_id,
    )


def _country(country: str | None) -> str | None:
    if country is not None and country not in phonenumbers.SUPPORTED_REGIONS:
        problem = FieldError("/options/country", "value.not_allowed", "is no country that has phone numbers")
        raise DomainError("validation.failed", "one field is not valid", errors=(problem,))
    return country


def _with_body(context: Context, digest: bytes) -> Context:
    key = context.key
    return structs.replace(context, key=KeyOf(key.digest, digest)) if key else context


def _import_id(request: HttpRequest) -> UUID:
    return path_id(request, "import_id", "import")
