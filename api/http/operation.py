"""What a route says of itself: who may use it, what it takes and gives. The guards and the OpenAPI document read it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

PUBLIC = "public"
SIGNED_IN = "signed in"
"""What stands in place of a permission where none is needed."""


class Operation(Struct, frozen=True, kw_only=True):
    """One operation.

    `answers` maps status to the type of the body (None: no body; a tuple: one of them),
    `errors` lists problem codes.
    `scoped`: the route itself looks whose records it is about, so a permission that is good for some is let in.
    `for_keys`: needs nothing but to be signed in, and an API key will do.
    `example` is a request body, or the query that reads well; `result` the body of the first answer, `results` those
    of others by status.
    """

    summary: str
    tag: str
    permission: str
    answers: Mapping[int, Any]
    body: Any = None
    query: Any = None
    media: tuple[str, ...] = ("application/json",)
    errors: tuple[str, ...] = ()
    example: Any = None
    result: Any = None
    results: Mapping[int, Any] = {}
    files: Mapping[str, str] = {}
    """The first answer as a file: an example by media type."""
    writes: bool = False
    idempotent: bool = False
    scoped: bool = False
    for_keys: bool = False
    if_match: bool = False
    read_after: bool = False
    description: str = ""


def operation(**parts: Any) -> dict[str, Any]:
    """The keyword arguments that attach an operation to a Litestar route."""
    declared = Operation(**parts)
    return {"opt": {"operation": declared}, "summary": declared.summary, "include_in_schema": False}
