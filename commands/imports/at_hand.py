"""A file that is at hand, rather than sent, becomes an import: by the same use cases, for a user of the tenant."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import BinaryIO
from uuid import UUID

from msgspec import Struct, field, structs

from commands.decision import Context
from commands.handle import Handler
from commands.identity.access import Authorization, Principal, lacking
from commands.imports import mapping as import_mapping
from commands.imports.errors import RowError, unpacked
from commands.imports.file import Intake
from commands.imports.file import unpacked as portion_of
from commands.imports.guess import guessed, labels_of
from commands.imports.job import Receive
from commands.imports.outcomes import counted
from commands.imports.portion import PERMISSION, Imports
from commands.imports.ports import ERRORS, ROWS
from commands.imports.trial import Trial
from commands.imports.work import acting
from commands.ports import Clock, EventStore, NewId
from commands.registry import RECEIVE_IMPORT
from commands.visible import CONTACTS, view_of
from domain.errors import DomainError
from domain.event import Actor, Metadata
from domain.imports import Counts, Import, ImportReceived, Policy, evolve

_BLOCK = 262_144


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to become of a file; `mapping` says of columns what they are where the guess is not right."""

    policy: Policy = Policy.SKIP
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    country: str | None = None


class AtHand(Struct, frozen=True, kw_only=True):
    """What files at hand are imported with."""

    store: EventStore
    handler: Handler
    imports: Imports
    authorization: Authorization
    clock: Clock
    new_id: NewId

    async def caller(self, tenant_id: UUID, user_id: UUID) -> Principal:
        """For whom it is done, with what they may do.

        Raises:
            DomainError: they may not import contacts, or nothing at all.
        """
        access = await self.authorization.access(tenant_id)
        found = acting(access, tenant_id, Actor("user", user_id), self.clock())
        if found is None or PERMISSION not in found.grants:
            raise lacking(PERMISSION)
        return found

    async def start(self, caller: Principal, name: str, file: BinaryIO, wanted: Wanted) -> UUID:
        """Take a file in, for the workers to go on with. Its id.

        Raises:
            DomainError: import.*, the file or what is wanted of it is refused; nothing is kept.
        """
        parts, tenant_id, import_id = self.imports.parts, caller.tenant_id, self.new_id()
        intake = Intake(wanted.encoding, wanted.delimiter)
        await parts.begin(tenant_id, import_id)
        try:
            number = 0
            async for portion in _portions(file, intake):
                await parts.put(tenant_id, import_id, ROWS, number, portion)
                number += 1
            command = Receive(await self._received(caller, name, intake, wanted), start=True)
            await self.imports.queue.queue(tenant_id, import_id)
            await self.handler.handle(self._context(caller), RECEIVE_IMPORT, lambda: (command, ()), stream_id=import_id)
        except BaseException:
            await parts.drop(tenant_id, import_id)
            raise
        return import_id

    async def tried(
        self, caller: Principal, name: str, file: BinaryIO, wanted: Wanted, told: Callable[[Counts, int], None]
    ) -> AsyncIterator[list[RowError]]:
        """What would be wrong with its rows, portion by portion; `told` the counts so far, and how many rows there are.

        Nothing is stored. The file is read twice: only its end tells what its dates are, and how many rows there are.
        """
        intake = Intake(wanted.encoding, wanted.delimiter)
        async for _ in _portions(file, intake):
            pass
        received = await self._received(caller, name, intake, wanted)
        state = evolve(None, received, stream_id=self.new_id(), at=self.clock())
        trial = Trial.of(self.imports, state, caller, structs.replace(self._context(caller), dry_run=True))
        counts = Counts()
        file.seek(0)
        async for portion in _portions(file, Intake(wanted.encoding, wanted.delimiter)):
            outcomes = await trial.decide(portion_of(portion))
            counts = counts.plus(counted(outcomes))
            told(counts, state.rows)
            yield [error for each in outcomes for error in each.errors]

    async def state(self, tenant_id: UUID, import_id: UUID) -> Import:
        """How far an import has got."""
        found: Import = await self.handler.state(tenant_id, "import", evolve, import_id)
        return found

    async def errors(self, tenant_id: UUID, import_id: UUID) -> AsyncIterator[list[RowError]]:
        """What was wrong with its rows, portion by portion."""
        for number in await self.imports.parts.numbers(tenant_id, import_id, ERRORS):
            if (data := await self.imports.parts.get(tenant_id, import_id, ERRORS, number)) is not None:
                yield list(unpacked(data))

    async def _received(self, caller: Principal, name: str, intake: Intake, wanted: Wanted) -> ImportReceived:
        guess = await guessed(self.imports.deciding, caller, intake.columns, intake.sample)
        mapping = guess | dict(wanted.mapping)
        import_mapping.check(mapping, intake.columns, labels_of(caller), view_of(caller, CONTACTS))
        if not import_mapping.is_ready(mapping):
            raise DomainError(
                "import.not_ready",
                "no column is a name, an e-mail or a phone",
                hint=f"Say what the columns are; there are {', '.join(intake.columns)}.",
            )
        return ImportReceived(
            file_name=name,
            columns=intake.columns,
            mapping=mapping,
            dates=intake.dates,
            country=wanted.country,
            policy=wanted.policy,
            encoding=intake.encoding,
            delimiter=intake.delimiter,
            rows=intake.rows,
            portions=intake.portions,
            ready=True,
            owner_id=caller.user_id,
        )

    def _context(self, caller: Principal) -> Context:
        metadata = Metadata(actor=caller.actor, correlation_id=f"cli-{self.new_id()}")
        return Context(tenant_id=caller.tenant_id, metadata=metadata, user_id=caller.user_id)


async def _portions(file: BinaryIO, intake: Intake) -> AsyncIterator[bytes]:
    """Portions of rows as they are full."""
    while block := await asyncio.to_thread(file.read, _BLOCK):
        for portion in await asyncio.to_thread(intake.feed, block):
            yield portion
    for portion in await asyncio.to_thread(intake.finish):
        yield portion
