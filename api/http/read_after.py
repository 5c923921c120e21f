"""Read-your-own-writes: reads wait until what they read from includes a position."""

import re

from api.http.exchange import HttpRequest, principal_of, services_of
from api.http.gate import header
from domain.errors import DomainError, FieldError
from projections.position import Level

MOST_SECONDS = 2.0
_POSITION = re.compile(r"\d{1,18}")


async def settled(
    request: HttpRequest, checkpoints: tuple[str, ...], *, at_least: int = 0, seconds: float = MOST_SECONDS
) -> Level | None:
    """Wait until the read models with these checkpoints include the position that Read-After names, and `at_least`.

    Without checkpoints Read-After is only checked: the log itself includes what it includes. Answers with what the read
    has to include; None for whatever is there. It waits so many `seconds` at most.

    Raises:
        DomainError: read_after.*.
    """
    asked = _asked(request)
    position = max(asked, at_least)
    if not position:
        return None
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    level = Level(checkpoints, position)
    if checkpoints and services.progress.known(tenant_id, checkpoints) >= position:
        return level
    if asked > max(at_least, principal_of(request).head) and asked > await services.store.head(tenant_id):
        raise _refusal("read_after.ahead", f"the log has not reached position {asked}")
    if checkpoints and not await services.progress.reached(tenant_id, checkpoints, position, seconds):
        raise DomainError(
            "read_after.timeout",
            f"what is read here does not include position {position} yet",
            hint="Try again in a moment" + (", or read without Read-After for what is there now." if asked else "."),
        )
    return level


async def caught_up(request: HttpRequest, checkpoints: tuple[str, ...]) -> Level | None:
    """Wait a moment for read models to reach the log's end, and answer with it; None when they don't.

    For a record that is not found: it may have been made a moment ago. Being level already says that another look is
    worth it too: they may have become so since the first one.
    """
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    level = Level(checkpoints, await services.store.head(tenant_id))
    if services.progress.known(tenant_id, checkpoints) >= level.position:
        return level
    return level if await services.progress.reached(tenant_id, checkpoints, level.position, MOST_SECONDS) else None


def _asked(request: HttpRequest) -> int:
    text = header(request, b"read-after")
    if text is None:
        return 0
    if not _POSITION.fullmatch(text):
        raise _refusal("read_after.invalid", "Read-After takes the Event-Position of an earlier answer")
    return int(text)


def _refusal(code: str, detail: str) -> DomainError:
    return DomainError(
        code,
        detail,
        hint="Send the number that the header Event-Position of your write had.",
        errors=(FieldError("Read-After", code, "is no position of this log"),),
    )
