"""Takes scores over to new rules and new days, for as long as a worker runs: portion by portion, all tenants in turn.

A portion is a transaction that knows where it stopped: whoever is killed loses no more than that, of two workers one
goes on with a tenant, and that tenant's projector waits for a portion only.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog

from domain.errors import kind_of
from projections.leads import score as lead_score
from projections.leads.scoring_pass import begin, go_on, load
from projections.leads.scoring_rules import newest
from projections.parked import locked
from projections.pauses import Pauses
from projections.ports import Sessions

_LONGEST_PAUSE = 60.0
_NOBODY = UUID(int=0)

_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('scoring ' || %s, 0))"
_DUE = "SELECT tenant_id FROM read.lead_scoring_due_v1(%s)"

_log = structlog.get_logger()


class ScoreKeeper:
    """Looks for tenants that are due; one tenant's trouble is its own, and tried again at growing intervals."""

    def __init__(self, sessions: Sessions, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock
        self._pauses = Pauses[UUID](first=1.0, longest=_LONGEST_PAUSE)

    async def turn(self) -> int:
        """Portions of all that are due until none is; returns how many."""
        done, due = 0, await self._due()
        while due:
            again = []
            for tenant_id in due:
                if await self._tried(tenant_id):
                    again.append(tenant_id)
                done += 1
            due = again
        return done

    async def _tried(self, tenant_id: UUID) -> bool:
        """A portion of a tenant's; whether there is another one to be taken now."""
        if not self._pauses.is_over(tenant_id):
            return False
        try:
            more = await self.step(tenant_id)
        except Exception as error:  # noqa: BLE001  one tenant's trouble does not stop the others
            self._pauses.failed(tenant_id)
            _log.error("scoring.failed", tenant_id=str(tenant_id), error=kind_of(error))
            return False
        self._pauses.worked(tenant_id)
        return more

    async def step(self, tenant_id: UUID) -> bool:
        """Start or go on with a tenant's pass; whether there is more of it."""
        async with self._sessions.of(tenant_id) as connection:
            (alone,) = await (await connection.execute(_ALONE, (str(tenant_id),))).fetchone()
            if not alone:
                return False
            await locked(connection, tenant_id, lead_score.PROJECTION.checkpoint)
            at = await load(connection, tenant_id)
            if at is None:
                return False
            if at.next_rules is None:
                version, today = await newest(connection, tenant_id), self._clock().date()
                if version <= at.rules and today <= at.day:
                    return False
                await begin(connection, tenant_id, at, rules=max(version, at.rules), day=max(today, at.day))
            return await go_on(connection, tenant_id)

    async def _due(self) -> list[UUID]:
        # The question is about all tenants; the connection needs one.
        async with self._sessions.of(_NOBODY) as connection:
            rows = await (await connection.execute(_DUE, (self._clock().date(),))).fetchall()
        return [tenant_id for (tenant_id,) in rows]
