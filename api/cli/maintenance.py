"""What the command line does to a running installation: look at the log."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from msgspec import to_builtins

from api.cli.ports import Tools
from commands.identity.accounts import EMAIL_CLAIM, login_name
from commands.identity.tenants import tenant_of
from commands.ports import EventStore
from domain.errors import DomainError, NotFoundError
from domain.event import Event, Recorded
from domain.tenant import PLATFORM

_PAGE = 500
_POLL_SECONDS = 0.2
_SECRET = frozenset({"password_hash", "secret", "recovery_codes"})


async def tail(tools: Tools, tenant: str, after: int, show: Callable[[dict[str, Any]], None], *, follow: bool) -> None:
    """Show a tenant's events in order; with `follow`, go on as they come.

    Raises:
        DomainError: there is no such user, or a tenant without an event.
    """
    async with tools.writing() as writing:
        tenant_id = await tenant_id_of(writing.store, tenant)
        if not await writing.store.read(tenant_id, after=0, limit=1):
            raise DomainError("tenant.not_found", f"there is no tenant {tenant}")
        while True:
            found = await writing.store.read(tenant_id, after=after, limit=_PAGE)
            for item in found:
                show(_shown(item))
                after = item.position
            if not found:
                if not follow:
                    return
                await asyncio.sleep(_POLL_SECONDS)


async def tenant_id_of(store: EventStore, text: str) -> UUID:
    """The tenant that an id, or the e-mail of a user, stands for. Raises DomainError."""
    with suppress(ValueError):
        return UUID(text)
    owner = await store.holder(PLATFORM, EMAIL_CLAIM, login_name(text))
    if owner is None:
        raise DomainError("tenant.not_found", f"{text!r} is neither a tenant's id nor the e-mail of a user")
    return owner.tenant_id


async def known_tenant(store: EventStore, text: str) -> UUID:
    """The same for a tenant that has signed up. Raises DomainError."""
    tenant_id = await tenant_id_of(store, text)
    try:
        await tenant_of(store, tenant_id)
    except NotFoundError:
        hint = "The platform's own is none; `rapport tenant list` has those there are."
        raise DomainError("tenant.not_found", f"there is no tenant {text}", hint=hint) from None
    return tenant_id


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
