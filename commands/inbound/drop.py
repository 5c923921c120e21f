"""E-mails that a mail server leaves in a folder: who waits where, and bringing in one. See docs/inbound.md."""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct, structs

from commands.decision import Context
from commands.handle import Handler
from commands.identity.access import Authorization
from commands.inbound import email as inbound_email
from commands.inbound import mail as inbound_mail
from commands.inbound import people as inbound
from commands.inbound.people import Directory, Told
from commands.interactions import interaction
from commands.ports import EventStore, NewId
from domain.errors import DomainError, FieldError
from domain.event import SYSTEM, Metadata


class Drop(Protocol):
    """A folder for each tenant. Raises OSError where it can't be read or written."""

    async def tenants(self) -> Sequence[UUID]:
        """The tenants for whom there is a folder."""
        ...

    async def waiting(self, tenant_id: UUID, most: int) -> Sequence[str]:
        """Messages that nobody has brought in yet, by name, the oldest first."""
        ...

    async def read(self, tenant_id: UUID, name: str) -> bytes:
        """A message.

        Raises:
            DomainError: body.too_large, body.malformed; it is not one that can be brought in.
        """
        ...

    async def done(self, tenant_id: UUID, name: str) -> None:
        """It has been brought in; whoever asks what is waiting is not told of it again."""
        ...

    async def failed(self, tenant_id: UUID, name: str, reason: str) -> None:
        """It can't be brought in; it is kept apart, with the reason."""
        ...


class Dropping(Struct, frozen=True):
    """What messages from a folder are brought in with."""

    drop: Drop
    directory: Directory
    handler: Handler
    store: EventStore
    authorization: Authorization
    new_id: NewId

    async def is_open(self, tenant_id: UUID) -> bool:
        """Whether there is such a tenant, who is not suspended."""
        access = await self.authorization.access(tenant_id)
        return bool(access.members) and not access.suspended

    async def bring(self, tenant_id: UUID, raw: bytes) -> None:
        """Bring a message in, as the system's own act. One that is here already stays as it is.

        Raises:
            DomainError: it can't be done; read_after.timeout where it can a moment later.
            StoreUnavailableError: the store can't be reached.
        """
        email = await asyncio.to_thread(inbound_email.read, raw)
        metadata = Metadata(actor=SYSTEM, correlation_id=self.new_id().hex)
        context = Context(tenant_id=tenant_id, metadata=metadata)

        async def read() -> tuple[Told, Sequence[FieldError]]:
            people = list(inbound_mail.people(email))
            known = await inbound.known(self.directory, self.handler, tenant_id, people)
            threads = await inbound.threads(self.store, self.handler, tenant_id, email.answers, lambda _: True)
            return inbound_mail.told(email, structs.replace(known, threads=threads)), ()

        try:
            await self.handler.handle(context, inbound.LOG, read)
        except interaction.KnownError:
            return


def is_passing(error: DomainError) -> bool:
    """Whether the same message may be brought in a moment later."""
    return error.code in {"read_after.timeout", "command.contention"}
