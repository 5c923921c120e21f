"""Several commands in one append: each is decided by itself, on what those before it have left.

An item that is refused leaves the others alone. All look-ups and loads are made for all items together, so a batch
costs a few round trips, however many items it has. When somebody else was faster with one of its records, the whole of
it is decided anew.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs

from commands.batch import marks
from commands.batch.items import Asked, ByKey, Item, Matching
from commands.batch.results import BatchOutcome, BatchRefusedError, Result, key_use, replay
from commands.batch.world import Known, StaleError, World, existing, require_none_since
from commands.decision import Context, FindCustom, Given, Lookup, custom_fields, no_custom_fields
from commands.folded import FoldedStates
from commands.handle import TRIES
from commands.look import Look
from commands.ports import (
    Append,
    Claim,
    ClaimTakenError,
    Clock,
    EventStore,
    KeyReusedError,
    NewId,
    StreamEvents,
    SubjectErasedError,
    VersionConflictError,
)
from commands.refusals import contention, key_reused
from domain.errors import DomainError, InvalidError, NotFoundError
from domain.event import evolved

Closing = Callable[[Sequence[Result]], Awaitable[Sequence[StreamEvents]]]
"""Told what came of all items, right before it is written, it gives events of other streams to go with it. It is asked
anew whenever the batch is decided anew, and may raise to have nothing written."""

FindAll = Callable[[UUID, Collection[Lookup]], Awaitable[Mapping[Lookup, UUID]]]
"""Answers many look-ups of a tenant at once."""


class Batches:
    """Carries out batches on an event store. `find_all` answers look-ups, `states` loads what items are about.

    `custom` finds a tenant's custom fields, where the context has none.
    """

    def __init__(
        self,
        store: EventStore,
        clock: Clock,
        new_id: NewId,
        find_all: FindAll,
        states: FoldedStates | None = None,
        custom: FindCustom = no_custom_fields,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._find_all = find_all
        self._states = FoldedStates(store) if states is None else states
        self._custom = custom

    async def handle(
        self,
        context: Context,
        items: Sequence[Item] | Callable[[], Awaitable[Sequence[Item]]],
        *,
        matching: Matching | None = None,
        closing: Closing | None = None,
        all_or_nothing: bool = False,
    ) -> BatchOutcome:
        """Carry out items, in their order and in one append.

        Where `items` have to look things up themselves, they are asked anew for every try. An idempotency key stands
        for all of them; once any was done, it keeps what came of each. `matching` is for items by key.
        `closing` adds what goes with them.

        Raises:
            DomainError: nothing was changed; BatchRefusedError where all were to be done or none.
            StoreUnavailableError: the store can't be reached.
        """
        if context.key and (kept := await self._store.kept_command(context.tenant_id, context.key.digest)):
            if kept.body_digest != context.key.body_digest:
                raise key_reused()
            return replay(kept)
        command_id = self._new_id()
        erased: set[UUID] = set()
        for _ in range(TRIES):
            try:
                return await self._try(
                    context, items, matching, closing, command_id, erased, all_or_nothing=all_or_nothing
                )
            except (VersionConflictError, ClaimTakenError, StaleError):
                context = structs.replace(context, custom=None)  # may be what changed
            except KeyReusedError:
                raise key_reused() from None
            except SubjectErasedError as subject:
                if subject.subject is None or subject.subject in erased:
                    raise
                erased.add(subject.subject)
        raise contention()

    async def _try(
        self,
        context: Context,
        items_or_read: Sequence[Item] | Callable[[], Awaitable[Sequence[Item]]],
        matching: Matching | None,
        closing: Closing | None,
        command_id: UUID,
        erased: set[UUID],
        *,
        all_or_nothing: bool,
    ) -> BatchOutcome:
        context = structs.replace(context, custom=await custom_fields(context, self._custom))
        items = await items_or_read() if callable(items_or_read) else items_or_read
        known, now = await self._know(context.tenant_id, items, matching), self._clock()
        while True:
            world = World(context.tenant_id, known, matching.seen if matching else lambda _: ())
            results = tuple([await self._result(context, world, item, now, erased) for item in items])
            if not world.unknown:
                break
            holders = await self._store.holders(context.tenant_id, world.unknown)
            known.holders |= {asked: holders.get(asked) for asked in world.unknown}
            if not holders:
                break
            if matching:
                await require_none_since(matching.find, context.tenant_id, known, holders)
        if all_or_nothing and any(result.error for result in results):
            raise BatchRefusedError(results)
        if context.dry_run:
            return BatchOutcome(results=results, position=0)
        key = key_use(context, command_id, results)
        streams = (*world.streams, *(await closing(results) if closing else ()))
        if not streams and not key:
            return BatchOutcome(results=results, position=await self._store.head(context.tenant_id))
        taken, gone_over = _marked(context.tenant_id, matching, items, results, known, command_id)
        appended = await self._store.append(
            Append(
                tenant_id=context.tenant_id,
                command_id=command_id,
                metadata=context.metadata,
                streams=streams,
                occurred_at=now,
                claims=(*world.claims, *taken),
                releases=(*world.releases, *gone_over),
                expects=world.expects,
                key=key,
            )
        )
        if appended.replayed and key:
            kept = await self._store.kept_command(context.tenant_id, key.digest)
            if kept is None:  # it has expired in this very moment
                raise contention()
            return replay(kept)
        return BatchOutcome(results=results, position=appended.position)

    async def _know(self, tenant_id: UUID, items: Sequence[Item], matching: Matching | None) -> Known:
        """What the items have to know, read for all of them together."""
        streams: dict[tuple[str, Callable[..., Any]], set[UUID]] = {}
        wanted: set[Lookup] = set()
        keys: set[Lookup] = set()
        looked: set[tuple[str, UUID]] = set()
        for item in items:
            if isinstance(item, ByKey):
                looks_at = item.looks_at
                wanted.update(item.lookups)
                keys.update(item.keys)
            else:
                looks_at = item.case.looks_at(item.command)
                wanted.update(item.case.lookups(item.command))
                if item.stream_id and not item.case.creates:
                    streams.setdefault((item.case.kind, item.case.evolve), set()).add(item.stream_id)
            for kind, evolve, stream_id in looks_at:
                streams.setdefault((kind, evolve), set()).add(stream_id)
                looked.add((kind, stream_id))
        known = Known()
        if matching and keys:
            known.marks = await marks.before(self._store, tenant_id, matching.mark, keys)
            known.keys, answers = keys, await matching.find(tenant_id, keys)
            known.matched = marks.candidates(matching.mark, known.marks, keys, answers)
            found = {each for ids in known.matched.values() for each in ids}
            streams.setdefault((matching.kind, matching.evolve), set()).update(found)
        for (kind, evolve), ids in streams.items():
            known.states |= await self._states.load_several(tenant_id, kind, evolve, ids) if ids else {}
        # Nor need be looked up whether they are there.
        for kind, stream_id in looked:
            state = known.states.setdefault(stream_id, None)
            wanted.discard((kind, str(stream_id)))
            if state is not None and (state.deleted_at is None or getattr(state, "merged_into", None)):
                known.found[kind, str(stream_id)] = stream_id
        if wanted:
            known.found.update(await self._find_all(tenant_id, wanted))
        return known

    async def _result(
        self, context: Context, world: World, item: Item, now: datetime, erased: Collection[UUID]
    ) -> Result:
        try:
            asked = item.asks(world.having(item.keys)) if isinstance(item, ByKey) else item
            return await self._decided(context, world, asked, now, erased)
        except DomainError as refusal:
            return Result(error=refusal)

    async def _decided(
        self, context: Context, world: World, asked: Asked, now: datetime, erased: Collection[UUID]
    ) -> Result:
        case, command = asked.case, asked.command
        state = None if case.creates else await existing(case, world, asked.stream_id, erased)
        stream_id = asked.stream_id or self._new_id()
        given: Given[Any] = Given(
            tenant_id=context.tenant_id,
            stream_id=stream_id,
            state=state,
            now=now,
            new_id=self._new_id,
            caller=context.user_id or context.metadata.actor.id,
            found=world.look_up(wanted) if (wanted := case.lookups(command)) else {},
            known=await case.gather(command, state, self._look(world, now)) if case.gather else None,
            errors=tuple(asked.errors),
            custom=(context.custom or {}).get(case.custom, {}),
            customs=context.custom or {},
        )
        decision = case.decide(command, given)
        if asked.errors:
            raise InvalidError(asked.errors)
        world.check(decision, case.claim_taken)
        version, after = 0 if state is None else state.version, state
        for _, event, occurred_at in StreamEvents(stream_id, version, decision.events, decision.times).dated(now):
            after = evolved(case.evolve, after, event, stream_id, now, occurred_at)
        world.take(stream_id, version, decision, after, now)
        others = [event for stream in (*decision.before, *decision.related) for event in stream.events]
        return Result(status=case.status, stream_id=stream_id, state=after, events=(*decision.events, *others))

    def _look(self, world: World, now: datetime) -> Look:
        """Looks where the items before have been too; what the store says is read once."""

        async def states(tenant_id: UUID, kind: str, evolve: Callable[..., Any], stream_id: UUID) -> Any:
            if not world.knows(stream_id):
                read = await self._states.load_several(tenant_id, kind, evolve, {stream_id})
                world.learn(stream_id, read.get(stream_id))
            if (state := world.folded(stream_id, evolve, now)) is None:
                raise NotFoundError(kind)
            return state

        async def find(tenant_id: UUID, kind: str, value: str) -> UUID | None:
            asked = (kind, value)
            if not world.has_looked_up(asked):
                world.looked_up(asked, (await self._find_all(tenant_id, {asked})).get(asked))
            return world.look_up([asked]).get(asked)

        return Look(world.tenant_id, states, find)


def _marked(
    tenant_id: UUID,
    matching: Matching | None,
    items: Sequence[Item],
    results: Sequence[Result],
    known: Known,
    command_id: UUID,
) -> tuple[Sequence[Claim], Sequence[Claim]]:
    mark = matching.mark if matching else None
    keys = [(item.keys, done) for item, done in zip(items, results, strict=True) if isinstance(item, ByKey)]
    return marks.left(tenant_id, mark, keys, known.matched, known.marks, command_id) if mark else ((), ())
