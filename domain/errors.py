"""What can be wrong with a request, in words that outlive the code: stable error codes."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct


class FieldError(Struct, frozen=True):
    """One bad field: `pointer` is an RFC 6901 pointer into the body as it was sent."""

    pointer: str
    code: str
    message: str


class DomainError(Exception):
    """A command that can't be carried out; nothing was changed.

    `code` is stable and listed in docs/errors.md, `detail` is for people, `hint` says what to do,
    `members` are facts a program can use (for instance the current `version`).
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        hint: str = "",
        errors: Sequence[FieldError] = (),
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.hint = hint
        self.errors = tuple(errors)
        self.members = dict(members or {})


class InvalidError(DomainError):
    """A body with bad fields: all of them, at once."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        count = len(errors)
        super().__init__(
            "validation.failed",
            "one field is not valid" if count == 1 else f"{count} fields are not valid",
            hint="Correct the fields listed in errors and send the request again; nothing was saved.",
            errors=errors,
        )


class NotFoundError(DomainError):
    """No such record, or not for this caller: the answer is the same."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"{kind}.not_found",
            f"there is no such {kind}",
            hint="Check the id; list what is there to find the right one.",
        )


class GoneError(DomainError):
    """The record was there and is deleted."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind}.deleted", f"this {kind} was deleted")


class MergedError(DomainError):
    """The record was merged into another one, which is to be used in its place."""

    def __init__(self, kind: str, into: UUID) -> None:
        super().__init__(
            f"{kind}.merged",
            f"this {kind} was merged into another one",
            hint=f"Use the {kind} that merged_into names.",
            members={"merged_into": str(into)},
        )


def kind_of(error: BaseException | None) -> str:
    """An error without its message, which may quote what was to be written."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name} {state}" if (state := getattr(error, "sqlstate", None)) else name
