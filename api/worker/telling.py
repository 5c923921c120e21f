"""Tells users by mail what they are notified of, for as long as the worker runs."""

from functools import partial

import structlog

from api.worker.rounds import rounds
from commands.notifications.telling import Outbox, Telling
from commands.ports import Clock
from domain.errors import kind_of

_POLL_SECONDS = 2.0

_log = structlog.get_logger()


async def run(outbox: Outbox, telling: Telling, clock: Clock) -> None:
    """Work until cancelled."""
    work = partial(once, outbox, telling, clock)
    await rounds(work, rest=_POLL_SECONDS, trouble="telling.unavailable", at_once=True)


async def once(outbox: Outbox, telling: Telling, clock: Clock) -> int:
    """One round: mails of what is new, and those sent that are due; how many tenants and mails that was.

    One tenant's trouble, or one mail's, is its own: it comes again with the next round, or when its lease ends.
    """
    done = 0
    for tenant_id in await outbox.tenants():
        try:
            await telling.sort(tenant_id)
            done += 1
        except Exception as error:  # noqa: BLE001  one tenant's trouble does not stop the others
            _log.error("telling.tenant_failed", tenant_id=str(tenant_id), error=kind_of(error))
    for due in await outbox.take(clock()):
        try:
            await telling.send(due)
            done += 1
        except Exception as error:  # noqa: BLE001  one mail's trouble does not stop the others
            _log.error("telling.mail_failed", tenant_id=str(due.tenant_id), error=kind_of(error))
    return done
