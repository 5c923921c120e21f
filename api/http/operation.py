"""What a route says of itself: who may use it, what it takes and gives. The guards and the OpenAPI document read it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

PUBLIC = "public"
SIGNED_IN = "signed in"
"""What stands in place of a permission where none is needed."""

_SENT_ERRORS = ("body.media_type", "body.too_large")
BODY_ERRORS = ("validation.failed", "body.malformed", *_SENT_ERRORS)
IF_MATCH_ERRORS = ("precondition.version", "if_match.invalid")
READ_ERRORS = ("query.invalid", "read_after.ahead", "read_after.invalid", "read_after.timeout")


class Operation(Struct, frozen=True, kw_only=True):
    """One operation.

    `body` is the struct that the body is read into, or str where it is taken as it comes.
    `answers` maps status to the type of the body (None: no body; a tuple: one of them),
    `errors` lists problem codes; those of its body, of If-Match and of Read-After need not be said: see `problems`.
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

    @property
    def problems(self) -> tuple[str, ...]:
        """Problem codes that it may answer with, but for those of every route."""
        body = () if self.body is None else _SENT_ERRORS if self.body is str else BODY_ERRORS
        version = IF_MATCH_ERRORS if self.if_match else ()
        position = READ_ERRORS if self.read_after else ()
        return (*self.errors, *body, *version, *position)


def operation(**parts: Any) -> dict[str, Any]:
    """The keyword arguments that attach an operation to a Litestar route."""
    declared = Operation(**parts)
    return {"opt": {"operation": declared}, "summary": declared.summary, "include_in_schema": False}
