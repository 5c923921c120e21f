"""What the items of a batch see: the store as it was read, and what the items before them have done to it."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from commands.decision import Decision, Lookup
from commands.handle import UseCase
from commands.ports import Claim, Expected, StreamEvents
from commands.refusals import contention
from domain.errors import DomainError, GoneError, MergedError, NotFoundError
from domain.event import Event, evolved

Seen = Callable[[Any], Iterable[Lookup]]
"""The keys by which a record is found, from its state."""


class StaleError(Exception):
    """What was looked up is not so any more: look again."""


class Known(Struct):
    """What the store says, read once for all items.

    `found` are answers to look-ups, `matched` the records that may have one of the `keys`, `holders` the streams
    that hold claims (None: nobody does); of claims that are not in it nothing is known yet. `marks`: see
    commands.batch.marks.
    """

    states: dict[UUID, Any] = field(default_factory=dict)
    found: dict[Lookup, UUID] = field(default_factory=dict)
    keys: Collection[Lookup] = ()
    matched: Mapping[Lookup, Sequence[UUID]] = field(default_factory=dict)
    holders: dict[Lookup, UUID | None] = field(default_factory=dict)
    marks: Mapping[Lookup, UUID] = field(default_factory=dict)


async def require_none_since(
    find: Callable[[UUID, Collection[Lookup]], Awaitable[Mapping[Lookup, Sequence[UUID]]]],
    tenant_id: UUID,
    known: Known,
    holders: Mapping[Lookup, UUID],
) -> None:
    """Items whose key was taken since it was looked for are about that record: they are decided anew, not refused.

    Raises:
        StaleError: looking again finds one.
    """
    late = {key for key in known.keys if key in holders and holders[key] not in known.matched.get(key, ())}
    found = await find(tenant_id, late) if late else {}
    if any(holders[key] in found.get(key, ()) for key in late):
        raise StaleError


class World:
    """One pass over the items. Nothing is known of an item that was refused: it leaves no trace."""

    def __init__(self, tenant_id: UUID, known: Known, seen: Seen = lambda _: ()) -> None:
        self.tenant_id = tenant_id
        self._known = known
        self._seen = seen
        self._states: dict[UUID, Any] = {}
        self._streams: dict[UUID, tuple[int, list[tuple[Event, datetime]]]] = {}
        self._folded: dict[UUID, tuple[int, Any]] = {}
        self._found: dict[Lookup, UUID | None] = {}
        self._matched: dict[Lookup, dict[UUID, None]] = {}
        self._claims: dict[tuple[UUID, Lookup], Claim] = {}
        self._releases: dict[tuple[UUID, Lookup], Claim] = {}
        self._expects: dict[Expected, None] = {}
        self.unknown: set[Lookup] = set()
        """Claims that items took, and that somebody may hold."""

    def state(self, stream_id: UUID | None) -> Any:
        """A record's state; None when there is none."""
        return None if stream_id is None else self._states.get(stream_id) or self._known.states.get(stream_id)

    def knows(self, stream_id: UUID) -> bool:
        """Whether it has been read what the store says of a record."""
        return stream_id in self._states or stream_id in self._known.states

    def learn(self, stream_id: UUID, state: Any) -> None:
        """What the store says of a record; None where it has none."""
        self._known.states[stream_id] = state

    def folded(self, stream_id: UUID, evolve: Callable[..., Any], now: datetime) -> Any:
        """A record's state with what items have done to it beside their own; None when there is none."""
        if stream_id in self._states:
            return self._states[stream_id]
        if stream_id not in self._streams:
            return self._known.states.get(stream_id)
        done, state = self._folded.get(stream_id, (0, self._known.states.get(stream_id)))
        _, events = self._streams[stream_id]
        for event, occurred_at in events[done:]:
            state = evolved(evolve, state, event, stream_id, now, occurred_at)
        self._folded[stream_id] = (len(events), state)
        return state

    def has_looked_up(self, asked: Lookup) -> bool:
        """Whether the answer to a look-up is known."""
        return asked in self._found or asked in self._known.found or asked in self._known.holders

    def looked_up(self, asked: Lookup, found: UUID | None) -> None:
        """The answer to a look-up, which the store gave."""
        self._found[asked] = found

    def look_up(self, wanted: Sequence[Lookup]) -> dict[Lookup, UUID]:
        """The answers to look-ups of an item."""
        answers = {asked: self._found.get(asked, self._known.found.get(asked)) for asked in wanted}
        return {asked: found for asked, found in answers.items() if found is not None}

    def having(self, keys: Sequence[Lookup]) -> list[Any]:
        """The states of records that have one of these keys now, and are not deleted."""
        ids: dict[UUID, None] = {}
        for key in keys:
            ids |= dict.fromkeys(self._known.matched.get(key, ())) | self._matched.get(key, {})
        states = [state for each in ids if (state := self.state(each)) is not None and state.deleted_at is None]
        return [state for state in states if not set(keys).isdisjoint(self._seen(state))]

    def check(self, decision: Decision, claim_taken: Callable[[Claim], DomainError | None]) -> None:
        """Refuse a decision that takes what is another's, or writes where an item before it has written.

        Raises:
            DomainError: as `claim_taken` says; command.contention; batch.depends.
            StaleError: looking up again finds who holds it.
        """
        if any(each.stream_id in self._streams for each in decision.expects):
            raise DomainError(
                "batch.depends",
                "an item before this one changes a record that this one goes by",
                hint="Send this item in a batch of its own, after this one.",
            )
        for claim in decision.claims:
            holder = self._holder(claim)
            if holder is not None and holder != claim.stream_id:
                raise claim_taken(claim) or StaleError
        for stream in (*decision.before, *decision.related):
            if stream.stream_id in self._streams:
                after, events = self._streams[stream.stream_id]
                if stream.after != after + len(events):
                    raise contention()

    def take(self, stream_id: UUID, version: int, decision: Decision, state: Any, now: datetime) -> None:
        """An item's decision holds: what comes after sees it. `version` is that of the stream before it."""
        own = (StreamEvents(stream_id, version, decision.events, decision.times),) if decision.events else ()
        for stream in (*decision.before, *own, *decision.related):
            _, events = self._streams.setdefault(stream.stream_id, (stream.after, []))
            events.extend((event, occurred_at) for _, event, occurred_at in stream.dated(now))
        self._states[stream_id] = state
        self._expects |= dict.fromkeys(decision.expects)
        for key in self._seen(state):
            self._matched.setdefault(key, {})[stream_id] = None
        for claim in decision.releases:
            if claim in decision.claims:
                continue
            # What this batch took itself is not taken at all; what was held before is given up with the append.
            self._claims.pop(_place(claim), None)
            self._releases[_place(claim)] = claim
            self._see(claim, None)
        for claim in decision.claims:
            self._claims[_place(claim)] = claim
            if self._releases.get(_place(claim)) == claim:
                del self._releases[_place(claim)]
            self._see(claim, claim.stream_id)

    @property
    def streams(self) -> tuple[StreamEvents, ...]:
        """What is to be written, each stream once."""
        return tuple(
            StreamEvents(each, after, *zip(*events, strict=True)) for each, (after, events) in self._streams.items()
        )

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The unique values that are taken in the end."""
        return tuple(self._claims.values())

    @property
    def releases(self) -> tuple[Claim, ...]:
        """The unique values that are given up in the end."""
        return tuple(self._releases.values())

    @property
    def expects(self) -> tuple[Expected, ...]:
        """What the items were decided by, each once. What is also written is checked with that.

        Raises:
            StaleError: it has changed since it was decided by.
        """
        for each in self._expects:
            if each.stream_id in self._streams and self._streams[each.stream_id][0] != each.version:
                raise StaleError
        return tuple(each for each in self._expects if each.stream_id not in self._streams)

    def _holder(self, claim: Claim) -> UUID | None:
        if mine := self._claims.get(_place(claim)):
            return mine.stream_id
        if claim.tenant_id != self.tenant_id:
            return None  # the append will tell
        asked = (claim.kind, claim.value)
        if asked not in self._known.holders:
            self.unknown.add(asked)
        # Given up by an item before this one, it is free for others from the next batch on: an append takes before it
        # gives up.
        return self._known.holders.get(asked)

    def _see(self, claim: Claim, holder: UUID | None) -> None:
        if claim.tenant_id == self.tenant_id:
            self._found[claim.kind, claim.value] = holder


def _place(claim: Claim) -> tuple[UUID, Lookup]:
    return claim.tenant_id, (claim.kind, claim.value)


async def existing(case: UseCase[Any, Any], world: World, stream_id: UUID | None, erased: Collection[UUID]) -> Any:
    """What is asked about; as in commands.handle, to whom it is missing it is missing also when it is gone."""
    state = world.state(stream_id)
    if state is None and not case.starts:
        raise NotFoundError(case.kind)
    if admitting := case.admit(state):
        await admitting
    if into := getattr(state, "merged_into", None):
        raise MergedError(case.kind, into)
    gone = state is not None and state.deleted_at is not None and not case.revives
    if gone or stream_id in erased:
        raise GoneError(case.kind)
    return state
