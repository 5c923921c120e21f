"""Whether the code of a second factor is right; each is good once, whichever process is asked."""

from typing import Protocol
from uuid import UUID

from commands.decision import Context
from commands.handle import Handler
from commands.identity import totp
from commands.identity.second_factor import SPENT, SpendRecoveryCode
from commands.ports import Clock
from commands.registry_identity import SPEND_RECOVERY_CODE
from domain.errors import DomainError
from domain.user import User


class TotpSteps(Protocol):
    """The time steps whose codes were used."""

    async def take(self, tenant_id: UUID, user_id: UUID, step: int) -> bool:
        """Use up a step of a user, and all before it; False when it was before. One atomic step for all processes.

        Raises:
            StoreUnavailableError: it can't be told; so the code is not taken.
        """
        ...


class Codes:
    """Checks codes, and uses them up."""

    def __init__(self, handler: Handler, steps: TotpSteps, clock: Clock) -> None:
        self._handler = handler
        self._steps = steps
        self._clock = clock

    async def by_device(self, tenant_id: UUID, person: User, code: str) -> bool:
        """Whether it is the one-time password of this moment."""
        if person.second_factor is None:
            return False
        for step in totp.steps(person.second_factor.secret, code, self._clock()):
            if await self._steps.take(tenant_id, person.id, step):
                return True
        return False

    def by_recovery(self, person: User, code: str) -> str | None:
        """The digest of a recovery code that is not spent."""
        digest = totp.digest(person.id, code)
        return digest if person.second_factor and digest in person.second_factor.recovery_codes else None

    async def let_in(self, context: Context, person: User, code: str) -> bool:
        """Whether somebody may sign in with a code; a recovery code is spent by it."""
        if await self.by_device(context.tenant_id, person, code):
            return True
        digest = self.by_recovery(person, code)
        if digest is None:
            return False
        command = SpendRecoveryCode(digest)
        try:
            await self._handler.handle(context, SPEND_RECOVERY_CODE, lambda: (command, ()), stream_id=person.id)
        except DomainError as error:
            if error.code != SPENT:
                raise
            return False  # somebody was faster with the same one
        return True
