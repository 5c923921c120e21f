"""What the command line does to a running installation: look at the log."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from msgspec import to_builtins

from api.cli.ports import Tools
from commands.identity import EMAIL_CLAIM, login_name
from domain.errors import DomainError
from domain.event import Event, Recorded
from domain.tenant import PLATFORM

_PAGE = 500
_POLL_SECONDS = 0.2
_SECRET = frozenset({"password_hash"})


async def tail(tools: Tools, tenant: str, after: int, show: Callable[[dict[str, Any]], None], *, follow: bool) -> None:
    """Show a tenant's events in order; with `follow`, go on as they come.

    Raises:
        DomainError: there is no such tenant or user.
    """
    async with tools.writing() as writing:
        tenant_id = _uuid(tenant)
        if tenant_id is None:
            owner = await writing.store.holder(PLATFORM, EMAIL_CLAIM, login_name(tenant))
            if owner is None:
                raise DomainError("tenant.not_found", f"{tenant!r} is neither a tenant's id nor the e-mail of a user")
            tenant_id = owner.tenant_id
        while True:
            found = await writing.store.read(tenant_id, after=after, limit=_PAGE)
            for item in found:
                show(_shown(item))
                after = item.position
            if not found:
                if not follow:
                    return
                await asyncio.sleep(_POLL_SECONDS)


def _shown(item: Recorded[Event]) -> dict[str, Any]:
    return {
        "position": item.position,
        "type": item.event.TOPIC,
        "stream": str(item.stream_id),
        "version": item.version,
        "time": item.occurred_at.isoformat(),
        "data": {name: value for name, value in to_builtins(item.event).items() if name not in _SECRET},
        "actor": to_builtins(item.metadata.actor),
        "correlation_id": item.metadata.correlation_id,
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
