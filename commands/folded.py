"""States of streams without folding them from the first event every time.

What this process has folded lately is in memory, what some process has folded of a long stream is in a snapshot; the
events after that are read, so a state is as right as one that was folded from the beginning. Only where the caller has
seen, since it was asked, that the tenant's log still ends where it did, there are none to read.
"""

import hashlib
import inspect
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Struct

from commands.ports import EventStore, Snapshot, Snapshots
from domain.errors import NotFoundError
from domain.event import Event, Recorded, evolved, subject_of

S = TypeVar("S")

EVERY = 100
"""A snapshot is kept when so many events have come after the last one."""

_MOST = 4_000
_SECONDS = 60.0

Key = tuple[int, str, int]
"""Tenant, kind and stream; the ids as numbers, since a dict asks a UUID for its hash by a call of Python."""


class Folded(Struct, frozen=True):
    """A state after an event of its stream.

    `kept` is the version of the last snapshot, `since` when the state was last read otherwise than from here. `head`
    is a position of the tenant up to which no event is missing, though this stream's last one may be older.
    `others`: it says something of somebody else than the stream, whose erasure would not find a snapshot of it.
    """

    state: Any
    version: int
    position: int
    kept: int
    since: float
    others: bool = False
    head: int = 0


class FoldedStates:
    """Loads states. The last `most` streams stay in memory, none longer than `seconds`.

    Nothing stays longer because a person's keys may be destroyed by another process, or the log restored under this
    one. In this process, an erasure is to call `forget`.
    """

    def __init__(
        self,
        store: EventStore,
        snapshots: Snapshots | None = None,
        *,
        most: int = _MOST,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._states: OrderedDict[Key, Folded] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    async def load(
        self,
        tenant_id: UUID,
        kind: str,
        evolve: Callable[..., S],
        stream_id: UUID,
        *,
        up_to: int | None = None,
        head: int = 0,
    ) -> S:
        """The state of a stream, as of a position when given.

        `head` is where the tenant's log ended when the caller last looked; the state is as of then, or later.

        Raises:
            NotFoundError: this tenant has no such stream, or it is one of another kind.
            StoreUnavailableError: the store can't be reached.
        """
        key = tenant_id.int, kind, stream_id.int
        base, since = self._known(key, up_to), self._clock()
        if base and up_to is None and base.position <= head <= base.head:
            there: S = base.state
            return there
        if base:
            events = await self._store.load(tenant_id, stream_id, after_version=base.version, up_to=up_to)
            if any(item.erased for item in events):
                # Whom it is about was erased meanwhile; what was folded before still says who that was.
                self.forget(tenant_id, stream_id)
                base = None
        if base is None:
            base, events = await self._read(tenant_id, kind, evolve, stream_id, up_to, since)
        if base is None and (not events or events[0].event.TOPIC.partition(".")[0] != kind):
            raise NotFoundError(kind)
        folded = _folded(base, evolve, stream_id, events, since)
        if up_to is None:
            folded = folded if head <= folded.head else msgspec.structs.replace(folded, head=head)
            self._keep(tenant_id, kind, evolve, stream_id, folded)
        state: S = folded.state
        return state

    async def found(self, tenant_id: UUID, kind: str, evolve: Callable[..., S], stream_id: UUID) -> S | None:
        """The same as it is now; None where this tenant has no such stream."""
        try:
            return await self.load(tenant_id, kind, evolve, stream_id)
        except NotFoundError:
            return None

    async def load_several(
        self, tenant_id: UUID, kind: str, evolve: Callable[..., S], stream_ids: Collection[UUID]
    ) -> dict[UUID, S]:
        """The states of streams, in one round trip; what is no such stream is left out. Snapshots are not asked for.

        Raises:
            StoreUnavailableError: the store can't be reached.
        """
        since = self._clock()
        bases = {each: self._known((tenant_id.int, kind, each.int), None) for each in stream_ids}
        events = await self._after(tenant_id, {each: base.version if base else 0 for each, base in bases.items()})
        if erased := [each for each, new in events.items() if bases[each] and any(item.erased for item in new)]:
            for stream_id in erased:
                self.forget(tenant_id, stream_id)
                bases[stream_id] = None
            events |= await self._after(tenant_id, dict.fromkeys(erased, 0))
        found: dict[UUID, S] = {}
        for stream_id, base in bases.items():
            new = events.get(stream_id, ())
            if base is None and (not new or new[0].event.TOPIC.partition(".")[0] != kind):
                continue
            folded = _folded(base, evolve, stream_id, new, since)
            self._keep(tenant_id, kind, evolve, stream_id, folded)
            found[stream_id] = folded.state
        return found

    async def _after(self, tenant_id: UUID, after: Mapping[UUID, int]) -> dict[UUID, list[Recorded[Event]]]:
        events = await self._store.load_several(tenant_id, after)
        return {each: list(items) for each, items in groupby(events, key=lambda item: item.stream_id)}

    def forget(self, tenant_id: UUID, stream_id: UUID) -> None:
        """Let go of a stream's state: whom it is about was erased."""
        for key in [key for key in self._states if key[0] == tenant_id.int and key[2] == stream_id.int]:
            del self._states[key]

    def _known(self, key: Key, up_to: int | None) -> Folded | None:
        known = self._states.get(key)
        if known is None:
            return None
        if self._clock() - known.since > self._seconds:
            del self._states[key]
            return None
        self._states.move_to_end(key)
        return known if up_to is None or known.position <= up_to else None

    async def _read(
        self,
        tenant_id: UUID,
        kind: str,
        evolve: Callable[..., Any],
        stream_id: UUID,
        up_to: int | None,
        since: float,
    ) -> tuple[Folded | None, Sequence[Recorded[Event]]]:
        """What a snapshot says, and the events after it."""
        if self._snapshots:
            fold = fold_of(evolve)
            snapshot, events = await self._snapshots.load(tenant_id, stream_id, f"{kind}/{fold.digest}", up_to=up_to)
            if snapshot is None:
                return None, events
            with suppress(msgspec.MsgspecError):  # else it is as if it were not there
                state = msgspec.msgpack.decode(snapshot.state, type=fold.state)
                return Folded(state, snapshot.version, snapshot.position, snapshot.version, since), events
        return None, await self._store.load(tenant_id, stream_id, up_to=up_to)

    def _keep(self, tenant_id: UUID, kind: str, evolve: Callable[..., Any], stream_id: UUID, folded: Folded) -> None:
        if self._snapshots and folded.version - folded.kept >= EVERY and not folded.others:
            snapshot = Snapshot(folded.version, folded.position, msgspec.msgpack.encode(folded.state))
            self._snapshots.keep(tenant_id, stream_id, f"{kind}/{fold_of(evolve).digest}", snapshot)
            folded = msgspec.structs.replace(folded, kept=folded.version)
        key = tenant_id.int, kind, stream_id.int
        known = self._states.get(key)
        if known is None or known.version <= folded.version:
            self._states[key] = folded
            self._states.move_to_end(key)
            if len(self._states) > self._most:
                self._states.popitem(last=False)


class Fold(Struct, frozen=True):
    """What an evolve function makes, and a digest of how."""

    state: type[Any]
    digest: str


@lru_cache
def fold_of(evolve: Callable[..., Any]) -> Fold:
    """The fold that a function is: another one as soon as anything of the domain, or the shape of its state, changes.

    So a snapshot of older code is never mistaken for what this code would have folded; upcasters and the shapes of
    events have as much of a say in that as the function's own module.
    """
    state = get_type_hints(evolve)["return"]
    code = _domain() + inspect.getsource(sys.modules[evolve.__module__])
    shape = msgspec.json.encode(msgspec.json.schema(state), order="sorted")
    return Fold(state, hashlib.sha256(code.encode() + b"\0" + shape).hexdigest()[:32])


@lru_cache
def _domain() -> str:
    files = sorted(Path(inspect.getfile(Event)).parent.glob("*.py"))
    return "".join(file.read_text(encoding="utf-8") for file in files)


def _folded(
    base: Folded | None, evolve: Callable[..., Any], stream_id: UUID, events: Sequence[Recorded[Event]], since: float
) -> Folded:
    """A state with the events after it; the same when there are none."""
    if base and not events:
        return base
    state = base.state if base else None
    for item in events:
        state = evolved(evolve, state, item.event, stream_id, item.recorded_at, item.occurred_at)
    kept, since, others, head = (base.kept, base.since, base.others, base.head) if base else (0, since, False, 0)
    others = others or any(subject_of(item.event, stream_id) != stream_id for item in events)
    return Folded(state, events[-1].version, events[-1].position, kept, since, others, head)
