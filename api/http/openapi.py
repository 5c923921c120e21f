"""The OpenAPI 3.1 document, from what the routes declare."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import structs

from api.http.operation import PUBLIC, SIGNED_IN, Operation
from api.http.problems import MEDIA_TYPE, STATUSES, Problem
from api.http.writing import NoBody

_REFERENCE = "#/components/schemas/{name}"
_ALWAYS = ("request.invalid", "server.error", "store.unavailable")
_SIGNED_IN = ("auth.token_missing", "permission.missing")
_NOT_LIMITED = ("health",)
"""Tags of what is not limited (see limits.count_stranger)."""
_IDEMPOTENT = ("idempotency.key_reused", "idempotency.in_progress", "idempotency.key_invalid", "command.contention")
_PATH = {True: {"type": "string", "format": "uuid"}, False: {"type": "string"}}
"""Schemas of what stands in paths: ids, and keys."""
_QUERY_ERROR = "query.invalid"
_BEARER = "An access token (a JWT), or an API key (rk_...)."


def document(operations: Iterable[tuple[str, str, Operation]]) -> dict[str, Any]:
    """The whole document as plain data."""
    declared = list(operations)
    kinds = [Problem]
    for _, _, operation in declared:
        kinds += [kind for answer in (*operation.answers.values(), operation.body) for kind in _kinds(answer)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    by_kind = dict(zip(map(repr, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation in declared:
        paths.setdefault(path, {})[method.lower()] = _operation(path, method, operation, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rapport",
            "version": "1",
            "summary": "The event-sourced core of a CRM",
            "description": "Contacts with their whole history. Errors are RFC 9457 problem details with stable codes.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in sorted({operation.tag for _, _, operation in declared})],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": _BEARER}},
        },
    }


def _operation(path: str, method: str, operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": _operation_id(method, path),
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(path, operation),
        "responses": _answers(operation, schemas),
    }
    needs = operation.permission
    text = [operation.description] if operation.description else []
    if needs != PUBLIC:
        text.append(f"Needs: {needs}.")
    made["description"] = " ".join(text) or operation.summary
    if needs == PUBLIC:
        made["security"] = []
    else:
        made["x-permission"] = needs
    if operation.body is not None:
        schema = schemas[repr(operation.body)]
        content = {
            media: {"schema": schema, "examples": {"example": {"value": operation.example}}}
            for media in operation.media
        }
        made["requestBody"] = {"required": operation.body is not NoBody, "content": content}
    return made


def _kinds(answer: Any) -> tuple[Any, ...]:
    return () if answer is None else answer if isinstance(answer, tuple) else (answer,)


def _operation_id(method: str, path: str) -> str:
    words = re.sub(r"[^a-zA-Z0-9]+", "_", path.removeprefix("/v1")).strip("_")
    return f"{method.lower()}_{words}"


def _parameters(path: str, operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _PATH[name.endswith("_id")]}
        for name in re.findall(r"{(\w+)}", path)
    ]
    if operation.query is not None:
        found += [_query(field, operation.example or {}) for field in structs.fields(operation.query)]
    found.append(
        _header(
            "X-Correlation-Id",
            {"type": "string"},
            "An id of your own for this request, 1 to 128 of [A-Za-z0-9._-]; without a sound one, one is made.",
        )
    )
    found.append(_header("traceparent", {"type": "string"}, "W3C Trace Context; a sound one is given back and kept."))
    if operation.idempotent:
        found.append(
            _header(
                "Idempotency-Key",
                {"type": "string", "pattern": "^[!-~]{1,255}$"},
                "Repeats of the request get its first answer, for 24 h.",
            )
        )
    if operation.if_match:
        found.append(
            _header(
                "If-Match", {"type": "string", "pattern": '^"[0-9]{1,9}"$'}, "The ETag that the record must still have."
            )
        )
    if operation.read_after:
        schema = {"type": "integer", "minimum": 0}
        found.append(_header("Read-After", schema, "Event-Position of a write that the answer must include."))
    return found


def _query(field: structs.FieldInfo, example: Any) -> dict[str, Any]:
    schema = msgspec.json.schema(field.type)
    definitions = schema.pop("$defs", {})
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]
        schema = options[0] if len(options) == 1 else {"anyOf": options}
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if not field.required and field.default is not None:
        schema = schema | {"default": msgspec.to_builtins(field.default)}
    made = {"name": field.encode_name, "in": "query", "required": field.required, "schema": schema}
    if isinstance(example, dict) and field.encode_name in example and field.required:
        made["example"] = example[field.encode_name]
    return made


def _header(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": description}


def _answers(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for number, (status, kind) in enumerate(operation.answers.items()):
        made: dict[str, Any] = {"description": operation.summary, "headers": _answer_headers(operation, status)}
        if kind is not None:
            options = [schemas[repr(option)] for option in _kinds(kind)]
            media: dict[str, Any] = {"schema": options[0] if len(options) == 1 else {"anyOf": options}}
            example = operation.result if number == 0 else operation.results.get(status)
            if example is not None:
                media["examples"] = {"example": {"value": example}}
            made["content"] = {"application/json": media}
        if number == 0 and operation.files:
            made["content"] = made.get("content", {}) | {
                media: {"schema": {"type": "string"}, "examples": {"example": {"value": example}}}
                for media, example in operation.files.items()
            }
        answers[str(status)] = made
    codes = _codes(operation)
    for status in sorted({STATUSES[code] for code in codes}):
        mine = sorted({code for code in codes if STATUSES[code] == status})
        answers.setdefault(
            str(status),
            {
                "description": ", ".join(mine),
                "content": {
                    MEDIA_TYPE: {
                        "schema": schemas[repr(Problem)],
                        "examples": {c: {"value": _problem(c)} for c in mine},
                    }
                },
            },
        )
    return answers


def _codes(operation: Operation) -> list[str]:
    """Of every error that the operation may answer."""
    codes = [*operation.problems, *_ALWAYS]
    if operation.tag not in _NOT_LIMITED:
        codes.append("rate_limit.exceeded")
    if "body.too_large" in codes:
        codes.append("body.timeout")
    if operation.permission != PUBLIC:
        codes += [*_SIGNED_IN, "auth.token_invalid", "auth.token_expired", "auth.session_ended", "auth.key_ended"]
        codes.append("tenant.suspended")
        if operation.permission == SIGNED_IN and not operation.for_keys:
            codes.append("auth.user_required")
    if operation.idempotent:
        codes += _IDEMPOTENT
    if operation.query is not None:
        codes.append(_QUERY_ERROR)
    return codes


def _answer_headers(operation: Operation, status: int) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    headers: dict[str, Any] = {"X-Correlation-Id": text, "traceparent": text}
    if operation.tag not in _NOT_LIMITED:
        headers |= {"RateLimit-Policy": text, "RateLimit": text}
    if operation.writes and status in {200, 201, 204}:
        headers["Event-Position"] = {"schema": {"type": "string"}, "description": "For Read-After."}
    if status == 201:  # noqa: PLR2004
        headers |= {"Location": text, "ETag": text} if operation.writes else {}
    return headers


def _problem(code: str) -> dict[str, Any]:
    return {
        "type": f"urn:rapport:problem:{code}",
        "title": code.replace(".", " ").replace("_", " ").capitalize(),
        "status": STATUSES[code],
        "detail": "what went wrong, in a sentence",
        "code": code,
        "correlation_id": "5f0c9a52c1d74c0e",
    }
