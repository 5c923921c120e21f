"""What came of a batch, item by item; and how it is kept for whoever asks again."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from commands.decision import Context
from commands.ports import KeptCommand, KeyUse
from domain.errors import DomainError, FieldError
from domain.event import Event

_MOST_OF_ITEM = 20
_STATUS = 200


class Result(Struct, frozen=True, kw_only=True):
    """What came of one item: a record, or why not.

    `status` is the use case's, 0 when it was refused. `state` is the record after the item, with the times of
    deciding; there is none in an answer that is given again.
    """

    status: int = 0
    stream_id: UUID | None = None
    state: Any = None
    events: tuple[Event, ...] = ()
    error: DomainError | None = None


class BatchOutcome(Struct, frozen=True, kw_only=True):
    """What came of a batch, item by item, and the tenant's position that includes it."""

    results: tuple[Result, ...]
    position: int
    replayed: bool = False


class BatchRefusedError(DomainError):
    """A batch that was to be done whole or not at all, and can't be done whole: every item that is to blame."""

    def __init__(self, results: Sequence[Result]) -> None:
        bad = [(index, result.error) for index, result in enumerate(results) if result.error]
        super().__init__(
            "batch.refused",
            f"{len(bad)} of {len(results)} items can't be done, so none was",
            hint="Correct the items listed in errors, or send the batch without all_or_nothing.",
            errors=[error for index, refusal in bad for error in placed(index, refusal)],
        )
        self.results = tuple(results)


def placed(index: int, refusal: DomainError) -> Iterable[FieldError]:
    """What is wrong with an item, pointed at in the body of the batch; at most so much that an answer stays short."""
    at = f"/items/{index}"
    if not refusal.errors:
        return (FieldError(at, refusal.code, refusal.detail),)
    return (FieldError(at + error.pointer, error.code, error.message) for error in refusal.errors[:_MOST_OF_ITEM])


class _Refusal(Struct, frozen=True, array_like=True):
    code: str
    detail: str
    hint: str
    errors: tuple[FieldError, ...]
    members: dict[str, Any]


class _Kept(Struct, frozen=True, array_like=True):
    status: int
    stream_id: UUID | None
    refusal: _Refusal | None


_kept = msgspec.json.Decoder(tuple[_Kept, ...])


def key_use(context: Context, command_id: UUID, results: Sequence[Result]) -> KeyUse | None:
    """The use of the batch's key. When no item was done there is nothing to keep: the same again is tried again."""
    if context.key is None or all(result.error for result in results):
        return None
    kept = [_Kept(result.status, result.stream_id, _refusal(result.error)) for result in results]
    return KeyUse(context.key.digest, context.key.body_digest, command_id, _STATUS, msgspec.json.encode(kept))


def _refusal(error: DomainError | None) -> _Refusal | None:
    return _Refusal(error.code, error.detail, error.hint, error.errors, error.members) if error else None


def replay(kept: KeptCommand) -> BatchOutcome:
    """The first answer again. No other command is asked under a key that digests method and path."""
    results = tuple(
        Result(status=each.status, stream_id=each.stream_id, error=_told(each.refusal))
        for each in _kept.decode(kept.results or b"[]")
    )
    return BatchOutcome(results=results, position=kept.position, replayed=True)


def _told(refusal: _Refusal | None) -> DomainError | None:
    if refusal is None:
        return None
    return DomainError(refusal.code, refusal.detail, hint=refusal.hint, errors=refusal.errors, members=refusal.members)
