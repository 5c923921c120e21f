"""A worker's turn with an import: some portions of its rows, or of what is taken back, for a while.

A turn may end anywhere, by SIGKILL too: the import's stream says which portion is next, and says so in the append that
wrote the one before.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from msgspec import Struct

from commands.decision import Context
from commands.identity.access import Authorization, Claims, Principal, lacking, speaking
from commands.imports import job as imports
from commands.imports import policy as import_policy
from commands.imports.errors import packed
from commands.imports.file import unpacked
from commands.imports.met import Memory, Met
from commands.imports.outcomes import counted, is_allowed
from commands.imports.portion import PERMISSION, Deciding, Outcome, Rows, columns_of
from commands.imports.ports import ERRORS, ROWS, Addressed, Job, Jobs, Parts, StoppedError
from commands.imports.undo import Undoing
from commands.imports.undo_companies import UndoingCompanies, Uses
from commands.ports import Append, Clock, EventStore, NewId, StreamEvents, VersionConflictError
from commands.registry import DELETE_CONTACT
from commands.visible import CONTACTS, view_of
from domain.authorization import Access
from domain.event import Actor, Event, Metadata, Recorded
from domain.imports import Import, ImportAdvanced, ImportStarted, ImportUndoStarted, Status, evolve

_SECONDS = 1.5
"""A turn takes at most so long; then another tenant may have one."""
_NO_SESSION = UUID(int=0)

_log = structlog.get_logger()


class Tools(Struct, frozen=True):
    """What turns are worked with; `memory` is of this worker alone."""

    store: EventStore
    parts: Parts
    jobs: Jobs
    deciding: Deciding
    authorization: Authorization
    clock: Clock
    new_id: NewId
    addressed: Addressed
    memory: Memory
    uses: Uses


class Turn:
    """One turn with one import."""

    def __init__(self, tools: Tools, job: Job) -> None:
        self._tools = tools
        self._tenant_id, self._import_id = job.tenant_id, job.import_id
        self._job = job
        self._until = time.monotonic() + _SECONDS
        self._seen_version = 0

    async def work(self) -> tuple[bool, bool]:
        """Whether something was done, and whether all is.

        Raises:
            StoreUnavailableError: Postgres can't be reached.
        """
        recorded = await self._tools.store.load(self._tenant_id, self._import_id)
        state = _folded(recorded)
        if state is None or state.status not in {Status.RUNNING, Status.UNDOING}:
            return False, True
        began = _began(recorded, ImportStarted if state.status is Status.RUNNING else ImportUndoStarted)
        try:
            if state.status is Status.RUNNING:
                return True, await self._run(state, recorded[-1].position, began)
            return await self._undo(state, recorded, began)
        except (StoppedError, VersionConflictError):
            return True, False

    async def _run(self, state: Import, position: int, began: Recorded[Event]) -> bool:
        caller = await self._caller(began)
        if caller is None or not is_allowed(state, caller, view_of(caller, CONTACTS)):
            await self._fail(state, began.metadata, "permission.missing")
            return True
        met = self._tools.memory.take(self._import_id, state.portion)
        if met is None:
            if not await self._tools.addressed.reached(self._tenant_id, position):
                return False
            met = Met(applied=position)
        rows = Rows(self._tools.deciding, state, caller, columns_of(state, caller))
        while state.status is Status.RUNNING:
            data = await self._tools.parts.get(self._tenant_id, self._import_id, ROWS, state.portion)
            if data is None:
                await self._fail(state, began.metadata, "import.file_gone")
                return True
            met.leave(self._tools.addressed.known(self._tenant_id))
            state = await self._portion(rows, state, data, met, caller, began.metadata)
            if state.status is Status.RUNNING and not await self._goes_on():
                self._tools.memory.keep(self._import_id, state.portion, met)
                return False
        return True

    async def _portion(
        self, rows: Rows, state: Import, data: bytes, met: Met, caller: Principal, metadata: Metadata
    ) -> Import:
        """Work one portion through; the import after it."""
        written: list[Event] = []
        portion = state.portion

        async def closing(outcomes: Sequence[Outcome]) -> Sequence[StreamEvents]:
            # What was written of an earlier try of this portion is replaced, so all of this may be said again.
            errors = [error for each in outcomes for error in each.errors]
            if errors:
                await self._tools.parts.put(self._tenant_id, self._import_id, ERRORS, portion, packed(errors))
            if await self._version() != state.version:
                raise StoppedError
            written[:] = imports.advanced(state, ImportAdvanced(portion=portion, counts=counted(outcomes)))
            return (StreamEvents(self._import_id, state.version, tuple(written)),)

        context = Context(tenant_id=self._tenant_id, metadata=self._metadata(metadata), user_id=caller.user_id)
        await rows.decide(context, unpacked(data), met=met, closing=closing)
        for event in written:
            state = evolve(state, event, stream_id=self._import_id, at=self._tools.clock())
        return state

    async def _undo(
        self, state: Import, recorded: Sequence[Recorded[Event]], began: Recorded[Event]
    ) -> tuple[bool, bool]:
        caller = await self._caller(began)
        if caller is None or PERMISSION not in caller.grants:
            return False, False  # until they may again: nothing else can become of it
        change, delete = import_policy.CHANGE, DELETE_CONTACT
        if not caller.may(PERMISSION):
            reaches, refusal = partial(caller.reaches, PERMISSION), lacking(PERMISSION)
            change = import_policy.within(change, reaches, refusal)
            delete = import_policy.within(delete, reaches, refusal)
        metadata = self._metadata(began.metadata, "/undo")
        undoing = Undoing(
            store=self._tools.store,
            parts=self._tools.parts,
            batches=self._tools.deciding.batches,
            context=Context(tenant_id=self._tenant_id, metadata=metadata, user_id=caller.user_id),
            view=view_of(caller, CONTACTS),
            change=change,
            delete=delete,
        )
        companies = UndoingCompanies(
            store=undoing.store,
            parts=undoing.parts,
            batches=undoing.batches,
            context=undoing.context,
            uses=self._tools.uses,
            allowed=undoing.view.access("company").value == "write",
        )
        first, last = _span(recorded)
        while state.status is Status.UNDOING:
            step = undoing if state.undone_to < last else companies
            for event in await step.go_on(state, first, last, self._version):
                state = evolve(state, event, stream_id=self._import_id, at=self._tools.clock())
            if state.status is Status.UNDOING and not await self._goes_on():
                return True, False
        return True, True

    async def _goes_on(self) -> bool:
        """Whether the turn does."""
        return time.monotonic() < self._until and await self._tools.jobs.hold(self._job)

    async def _version(self) -> int:
        """The version that the import is at now."""
        after = self._seen_version
        found = await self._tools.store.load(self._tenant_id, self._import_id, after_version=after)
        self._seen_version = found[-1].version if found else after
        return self._seen_version

    async def _fail(self, state: Import, metadata: Metadata, code: str) -> None:
        _log.warning("import.failed", tenant_id=self._tenant_id, import_id=self._import_id, code=code)
        await self._tools.store.append(
            Append(
                tenant_id=self._tenant_id,
                command_id=self._tools.new_id(),
                metadata=self._metadata(metadata),
                streams=(StreamEvents(self._import_id, state.version, imports.failed(code)),),
                occurred_at=self._tools.clock(),
            )
        )

    def _metadata(self, of: Metadata, what: str = "") -> Metadata:
        """What is written is the act of who started it, and says by which import it came."""
        cause = f"import:{self._import_id}{what}"
        return Metadata(actor=of.actor, correlation_id=of.correlation_id, causation_id=cause)

    async def _caller(self, began: Recorded[Event]) -> Principal | None:
        """Who started it, with what they may do now; None where they may nothing any more."""
        access = await self._tools.authorization.access(self._tenant_id)
        return acting(access, self._tenant_id, began.metadata.actor, self._tools.clock())


def acting(access: Access, tenant_id: UUID, actor: Actor, at: datetime) -> Principal | None:
    """An actor as a request would speak for them now."""
    if access.suspended or actor.id is None:
        return None
    key = access.keys.get(actor.id) if actor.kind == "api_key" else None
    if actor.kind == "api_key" and (key is None or not key.is_good(at)):
        return None
    member = access.members.get(key.user_id if key else actor.id)
    if member is None or member.suspended or not member.joined:
        return None
    claims = Claims(tenant_id, key.user_id if key else actor.id, _NO_SESSION, member.epoch)
    return speaking(access, claims, key.roles if key else member.roles, key_id=actor.id if key else None)


def _folded(recorded: Sequence[Recorded[Event]]) -> Import | None:
    state: Import | None = None
    for item in recorded:
        state = evolve(state, item.event, stream_id=item.stream_id, at=item.recorded_at)
    return state


def _span(recorded: Sequence[Recorded[Event]]) -> tuple[int, int]:
    """The positions between which an import wrote what it has written; nothing where it never began."""
    began = [item.position for item in recorded if isinstance(item.event, ImportStarted)]
    wrote = [item.position for item in recorded if isinstance(item.event, ImportAdvanced)]
    return (began[0], wrote[-1]) if began and wrote else (1, 0)


def _began(recorded: Sequence[Recorded[Event]], kind: type[Event]) -> Recorded[Event]:
    return next(item for item in reversed(recorded) if isinstance(item.event, kind))
