"""Load, decide, append: how every command is carried out, and carried out again when somebody was faster."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct, structs

from commands.decision import Context, Decision, FindCustom, Given, custom_fields, no_custom_fields
from commands.folded import FoldedStates
from commands.look import Look, Looked
from commands.ports import (
    Append,
    Claim,
    ClaimTakenError,
    Clock,
    EventStore,
    KeyReusedError,
    KeyUse,
    NewId,
    StreamEvents,
    SubjectErasedError,
    VersionConflictError,
)
from commands.refusals import contention, key_reused
from domain.errors import DomainError, FieldError, GoneError, InvalidError, MergedError
from domain.event import Event, evolved

C = TypeVar("C")
S = TypeVar("S")

TRIES = 20
"""So often is decided anew when somebody was faster."""

Read = Callable[[], tuple[C, Sequence[FieldError]] | Awaitable[tuple[C, Sequence[FieldError]]]]
"""Gives the command, and what was wrong with members that could not be read; what could be is decided on all the same,
so that one answer names every bad field. It is asked anew for every try, and may look things up itself."""


class UseCase(Struct, Generic[C, S], frozen=True, kw_only=True):
    """One thing that can be asked: which state it is about, what it must know, and how it decides."""

    kind: str
    evolve: Callable[..., S]
    decide: Callable[[C, Given[S]], Decision]
    creates: bool = False
    starts: bool = False
    """Starts the stream where there is none, and goes on with it where there is one."""
    revives: bool = False
    """Is asked of what was deleted too, to bring it back."""
    status: int = 200
    made: int | None = None
    """The status instead where there was nothing before, or what had been deleted."""
    admit: Callable[[Any], Awaitable[None] | None] = lambda _: None
    """Refuses what the caller may not do to a record (None: there is none yet), once it is known which that is."""
    custom: str = ""
    """The kind of record whose custom fields it must know."""
    lookups: Callable[[C], Sequence[tuple[str, str]]] = lambda _: ()
    gather: Callable[[C, S | None, Look], Awaitable[Any]] | None = None
    """Finds out what a look-up by one value can't: states of other records. The decision has it as `given.known`."""
    looks_at: Callable[[C], Sequence[Looked]] = lambda _: ()
    """Records that `gather` looks at, as far as the command says: a batch reads those of all its items at once."""
    claim_taken: Callable[[Claim], DomainError | None] = lambda _: None


class Outcome(Struct, Generic[S], frozen=True, kw_only=True):
    """What came of it: the state after it, the tenant's position that includes it, and what was decided."""

    stream_id: UUID
    state: S
    position: int
    status: int
    events: tuple[Event, ...] = ()
    replayed: bool = False


class Handler:
    """Carries out commands on an event store. `find` answers look-ups: (kind, value) to the id that holds it.

    `states` loads what commands are about. `custom` finds a tenant's custom fields, by kind and key, as they are now.
    """

    def __init__(
        self,
        store: EventStore,
        clock: Clock,
        new_id: NewId,
        find: Callable[[UUID, str, str], Awaitable[UUID | None]],
        states: FoldedStates | None = None,
        custom: FindCustom = no_custom_fields,
    ) -> None:
        self._store = store
        self._states = FoldedStates(store) if states is None else states
        self._clock = clock
        self._new_id = new_id
        self._find = find
        self._custom = custom

    async def handle(
        self,
        context: Context,
        case: UseCase[C, S],
        read: Read[C],
        *,
        stream_id: UUID | None = None,
        if_match: frozenset[int] | None = None,
    ) -> Outcome[S]:
        """Carry out a command on one stream (a new one where the use case creates).

        `read` gives the command itself; it is called once it is known that there is something to do it to.

        Raises:
            DomainError: it can't be done; nothing was changed.
            StoreUnavailableError: the store can't be reached.
        """
        if context.key and (kept := await self._store.kept_command(context.tenant_id, context.key.digest)):
            if kept.body_digest != context.key.body_digest:
                raise key_reused()
            return await self._replay(context, case, kept.result_id, kept.position, kept.status)
        command_id = self._new_id()
        for _ in range(TRIES):
            try:
                return await self._try(context, case, read, command_id, stream_id or self._new_id(), if_match)
            except VersionConflictError:
                context = structs.replace(context, custom=None)  # may be what changed
            except ClaimTakenError as taken:
                refusal = case.claim_taken(taken.claim)
                if refusal:
                    raise refusal from taken
            except KeyReusedError:
                raise key_reused() from None
            except SubjectErasedError:
                raise GoneError(case.kind) from None
        raise contention()

    async def _try(
        self,
        context: Context,
        case: UseCase[C, S],
        read: Read[C],
        command_id: UUID,
        stream_id: UUID,
        if_match: frozenset[int] | None,
    ) -> Outcome[S]:
        state, version = (None, 0) if case.creates else await self._existing(context, case, stream_id)
        if if_match is not None and version not in if_match:
            raise DomainError(
                "precondition.version",
                f"the {case.kind} is at version {version} by now",
                hint="Read it again, apply your change to what is there now, and send that with its ETag.",
                members={"version": version},
            )
        found = read()
        command, errors = await found if isinstance(found, Awaitable) else found
        now, look = self._clock(), Look(context.tenant_id, self.state, self._find)
        customs = await custom_fields(context, self._custom) if case.custom else {}
        given = Given(
            tenant_id=context.tenant_id,
            stream_id=stream_id,
            state=state,
            now=now,
            new_id=self._new_id,
            caller=context.user_id or context.metadata.actor.id,
            found=await self._look_up(context.tenant_id, wanted) if (wanted := case.lookups(command)) else {},
            known=await case.gather(command, state, look) if case.gather else None,
            errors=tuple(errors),
            custom=customs.get(case.custom, {}),
            customs=customs,
        )
        decision = case.decide(command, given)
        if errors:
            raise InvalidError(errors)
        own = StreamEvents(stream_id, version, decision.events, decision.times)
        others = (*decision.before, *decision.related)
        events = (*decision.events, *(event for stream in others for event in stream.events))
        if context.dry_run:
            await self._check_claims(case, decision)
            after = _fold(case, state, own, now, now)
            return Outcome(stream_id=stream_id, state=after, position=0, status=200, events=events)
        status = case.made if case.made and (state is None or is_deleted(state)) else case.status
        key = KeyUse(context.key.digest, context.key.body_digest, stream_id, status) if context.key else None
        if not events and not key:
            position = await self._store.head(context.tenant_id)
            return Outcome(stream_id=stream_id, state=_there(state), position=position, status=status)
        streams = (own,) if own.events else ()
        appended = await self._store.append(
            Append(
                tenant_id=context.tenant_id,
                command_id=command_id,
                metadata=context.metadata,
                streams=(*decision.before, *streams, *decision.related),
                occurred_at=now,
                claims=decision.claims,
                releases=decision.releases,
                expects=decision.expects,
                key=key,
            )
        )
        if appended.replayed:
            return await self._replay(
                context, case, appended.result_id or stream_id, appended.position, appended.status or status
            )
        after = _fold(case, state, own, appended.recorded_at, now)
        return Outcome(stream_id=stream_id, state=after, position=appended.position, status=status, events=events)

    async def state(
        self,
        tenant_id: UUID,
        kind: str,
        evolve: Callable[..., S],
        stream_id: UUID,
        *,
        up_to: int | None = None,
        head: int = 0,
    ) -> S:
        """The state of a stream, as of a position when given; see FoldedStates.load.

        Raises:
            NotFoundError: this tenant has no such stream, or it is one of another kind.
        """
        return await self._states.load(tenant_id, kind, evolve, stream_id, up_to=up_to, head=head)

    async def found(self, tenant_id: UUID, kind: str, evolve: Callable[..., S], stream_id: UUID) -> S | None:
        """The same as it is now; None where this tenant has no such stream."""
        return await self._states.found(tenant_id, kind, evolve, stream_id)

    async def gone(
        self, tenant_id: UUID, kind: str, evolve: Callable[..., Any], state: Any, *, up_to: int | None = None
    ) -> DomainError:
        """Why a record is not there any more (as of a position when given): deleted, or merged into which one."""
        into = getattr(state, "merged_into", None)
        if into is None:
            return GoneError(kind)
        while onward := getattr(await self.state(tenant_id, kind, evolve, into, up_to=up_to), "merged_into", None):
            into = onward
        return MergedError(kind, into)

    async def states(
        self, tenant_id: UUID, kind: str, evolve: Callable[..., S], stream_ids: Collection[UUID]
    ) -> dict[UUID, S]:
        """The states of streams, in one round trip; what is no such stream is left out."""
        return await self._states.load_several(tenant_id, kind, evolve, stream_ids)

    async def _existing(self, context: Context, case: UseCase[C, S], stream_id: UUID) -> tuple[Any, int]:
        load = self.found if case.starts else self.state
        state: Any = await load(context.tenant_id, case.kind, case.evolve, stream_id)
        # Before anything is told of it: to whom it is missing, it is missing also when it is gone.
        if admitting := case.admit(state):
            await admitting
        if state is None:
            return None, 0
        if state.deleted_at is not None and not (case.revives and is_deleted(state)):
            raise await self.gone(context.tenant_id, case.kind, case.evolve, state)
        return state, state.version

    async def _replay(
        self, context: Context, case: UseCase[C, S], result_id: UUID, position: int, status: int
    ) -> Outcome[S]:
        """The first answer again, rebuilt from the events up to its position."""
        state = await self.state(context.tenant_id, case.kind, case.evolve, result_id, up_to=position)
        return Outcome(stream_id=result_id, state=state, position=position, status=status, replayed=True)

    async def _look_up(self, tenant_id: UUID, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
        answers = {(kind, value): await self._find(tenant_id, kind, value) for kind, value in wanted}
        return {asked: found for asked, found in answers.items() if found is not None}

    async def _check_claims(self, case: UseCase[C, S], decision: Decision) -> None:
        for claim in decision.claims:
            owner = await self._store.holder(claim.tenant_id, claim.kind, claim.value)
            if owner is None or owner.stream_id == claim.stream_id:
                continue
            held = structs.replace(claim, stream_id=owner.stream_id)
            if held not in decision.releases and (refusal := case.claim_taken(claim)):
                raise refusal


def _fold(case: UseCase[Any, S], state: S | None, own: StreamEvents, at: datetime, now: datetime) -> S:
    for _, event, occurred_at in own.dated(now):
        state = evolved(case.evolve, state, event, own.stream_id, at, occurred_at)
    return _there(state)


def _there(state: S | None) -> S:
    if state is None:
        raise RuntimeError("a command that decided nothing on a stream that is not there")
    return state


def is_deleted(state: Any) -> bool:
    """Whether a record was deleted; one that was merged is gone too, and comes back otherwise."""
    return state.deleted_at is not None and getattr(state, "merged_into", None) is None
