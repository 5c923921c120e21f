"""The API document and a page to read it, without any script from elsewhere."""

import html
import json
from typing import Any

from litestar import Router, get

from api.http.answer import Answer
from api.http.exchange import HttpRequest
from api.http.operation import PUBLIC, operation

TAG = "documents"

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}
details{border:1px solid #d5d5dd;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer} code,pre{font:14px/1.45 ui-monospace,monospace}
pre{background:#f4f4f7;padding:.7rem;overflow:auto} b.m{display:inline-block;min-width:4.5rem} small{color:#5b5b66}
table{border-collapse:collapse} td{padding:.1rem .8rem .1rem 0}
"""


@get(
    "/openapi.json",
    **operation(
        summary="This document", tag=TAG, permission=PUBLIC, answers={200: dict[str, Any]}, result={"openapi": "3.1.0"}
    ),
)
async def openapi_json(request: HttpRequest) -> Answer:
    """The OpenAPI document."""
    return Answer(request.app.state.openapi)


@get(
    "/docs",
    **operation(summary="This document as a page", tag=TAG, permission=PUBLIC, answers={200: None}),
)
async def docs(request: HttpRequest) -> Answer:
    """The OpenAPI document as a page that needs no network."""
    return Answer(page(request.app.state.openapi).encode(), media=b"text/html; charset=utf-8")


def page(document: dict[str, Any]) -> str:
    """The document as HTML."""
    info = document["info"]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{_text(info['title'])} API</title>",
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>",
        f"<h1>{_text(info['title'])} API</h1>",
        f"<p>{_text(info['description'])} <a href=/openapi.json>openapi.json</a></p>",
    ]
    for tag in document["tags"]:
        parts.append(f"<h2>{_text(tag['name'])}</h2>")
        for path, methods in document["paths"].items():
            parts += [_operation(path, method, made) for method, made in methods.items() if tag["name"] in made["tags"]]
    return "".join(parts)


def _operation(path: str, method: str, made: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{_text(p['name'])}</code><td>{_text(p['in'])}{' (required)' if p['required'] else ''}"
        f"<td><small>{_text(p.get('description') or p['schema'].get('description', ''))}</small>"
        for p in made["parameters"]
    )
    answers = "".join(
        f"<h4>{_text(status)} <small>{_text(answer['description'])}</small></h4>{_examples(answer, only_first=True)}"
        for status, answer in made["responses"].items()
    )
    body = f"<h4>Body</h4>{_examples(made['requestBody'], only_first=True)}" if "requestBody" in made else ""
    return (
        f"<details id='{_text(made['operationId'])}'>"
        f"<summary><b class=m>{method.upper()}</b> <code>{_text(path)}</code> {_text(made['summary'])}</summary>"
        f"<p>{_text(made['description'])}</p><table>{rows}</table>{body}{answers}</details>"
    )


def _examples(holder: dict[str, Any], *, only_first: bool) -> str:
    for media, content in holder.get("content", {}).items():
        values = [example["value"] for example in content.get("examples", {}).values()]
        shown = values[:1] if only_first else values
        return "".join(
            f"<small>{_text(media)}</small><pre>{_text(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
            for value in shown
        )
    return ""


def _text(value: Any) -> str:
    return html.escape(str(value))


ROUTER = Router(path="/", route_handlers=[openapi_json, docs])
