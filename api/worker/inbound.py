"""Brings in e-mails that are left in a folder, some of each tenant's in turn."""

import asyncio
from uuid import UUID

import structlog

from commands.inbound.drop import Dropping, is_passing
from commands.ports import StoreUnavailableError
from domain.errors import DomainError, kind_of

_POLL_SECONDS = 2.0
_AT_ONCE = 20
"""Messages of a tenant before it is another one's turn."""

_log = structlog.get_logger()


async def run(dropping: Dropping | None) -> None:
    """Work until cancelled; where there is no folder, there is nothing to do."""
    while dropping:
        more = False
        try:
            more = await once(dropping)
        except (OSError, StoreUnavailableError) as error:
            _log.warning("inbound.unavailable", error=kind_of(error))
        await asyncio.sleep(0 if more else _POLL_SECONDS)


async def once(dropping: Dropping) -> bool:
    """Some messages of each tenant; whether any was brought in, so that there may be more."""
    done = 0
    for tenant_id in await dropping.drop.tenants():
        try:
            if await dropping.is_open(tenant_id):
                done += await _of_tenant(dropping, tenant_id)
        except (OSError, DomainError) as error:  # a tenant that fails does not stop the others
            _log.warning("inbound.tenant_failed", tenant_id=tenant_id, error=kind_of(error))
    return done > 0


async def _of_tenant(dropping: Dropping, tenant_id: UUID) -> int:
    names = await dropping.drop.waiting(tenant_id, _AT_ONCE)
    for name in names:
        try:
            raw = await dropping.drop.read(tenant_id, name)
            await dropping.bring(tenant_id, raw)
        except (StoreUnavailableError, FileNotFoundError):
            raise
        except Exception as error:
            if isinstance(error, DomainError) and is_passing(error):
                raise
            _log.error("inbound.failed", tenant_id=tenant_id, error=kind_of(error))
            await dropping.drop.failed(
                tenant_id, name, str(error) if isinstance(error, DomainError) else kind_of(error)
            )
        else:
            await dropping.drop.done(tenant_id, name)
    return len(names)
