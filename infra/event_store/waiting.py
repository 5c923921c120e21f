"""Appends that wait to be sent: bounded, and fair between tenants.

A batch takes one append of every tenant in turn, then the next of each, and the next batch begins with the tenants
after those that it took. So a tenant that writes flat out fills what is left over, and delays nobody by more than the
batch that is under way.
"""

import asyncio
from collections import deque
from collections.abc import Container
from itertools import islice
from operator import attrgetter
from typing import Any

from msgspec import Struct

from infra.event_store.sealed import SealedAppend

_MOST_EVENTS = 200
_LOOKED_AT = 400
_MOST_WAITING = 5_000
_MOST_OF_TENANT = 2_000
_MOST_BYTES = 64 * 1024 * 1024
_MOST_BYTES_OF_TENANT = 16 * 1024 * 1024


class TooManyWaitingError(Exception):
    """More waits than may, of this tenant or of all."""


class Waiting(Struct, eq=False):
    """An append and who waits for its row of the answer.

    `size` is that of its events in bytes; `marks` are the streams that it writes and the key that it uses.
    """

    append: SealedAppend
    answer: "asyncio.Future[Any]"
    size: int
    marks: tuple[int | bytes, ...]

    @property
    def tenant(self) -> int:
        """Its tenant, as a number: those are found faster than UUIDs."""
        return self.append.tenant_id.int


class _Queue(Struct, eq=False):
    items: dict[Waiting, None]
    size: int = 0


class WaitingAppends:
    """Queues of tenants in a ring."""

    def __init__(self) -> None:
        self._ring: dict[int, _Queue] = {}
        self._by_itself: set[int] = set()
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        return self._count

    def add(self, append: SealedAppend, answer: "asyncio.Future[Any]") -> Waiting:
        """Put an append at the end of its tenant's queue.

        Raises:
            TooManyWaitingError: there is no room.
        """
        size = sum(map(len, append.data))
        queue = self._ring.get(append.tenant_id.int) or _Queue({})
        if self._is_full_for(queue, size):
            raise TooManyWaitingError
        waiting = Waiting(append, answer, size, _marks(append))
        self._put(waiting)
        return waiting

    def put_back(self, waiting: Waiting) -> None:
        """Take back what was sent in vain: the next batch with this tenant has no other."""
        if not waiting.answer.done():
            self._by_itself.add(waiting.tenant)
            self._put(waiting)

    def remove(self, waiting: Waiting) -> None:
        """Take one out, if it is still here."""
        queue = self._ring.get(waiting.tenant)
        if queue is None or waiting not in queue.items:
            return
        del queue.items[waiting]
        queue.size -= waiting.size
        self._count -= 1
        self._size -= waiting.size
        if not queue.items:
            del self._ring[waiting.tenant]
            self._by_itself.discard(waiting.tenant)

    def next_batch(self, away: Container[int], places: int) -> list[Waiting]:
        """What goes out next, sorted by tenant, of tenants that are not `away`: a share, if `places` more can go now.

        No two of a batch write one stream or use one key; those wait a turn. An append of many events goes with few.
        """
        here = [tenant for tenant in islice(self._ring, _LOOKED_AT) if tenant not in away]
        mine = here[: -(-len(here) // places)]
        if here and here[0] in self._by_itself:
            mine = here[:1]
        else:
            mine = [tenant for tenant in mine if tenant not in self._by_itself]
        self._by_itself.difference_update(mine)
        return self._take(mine, _MOST_EVENTS)

    def only_tenant(self) -> int | None:
        """The tenant that waits, when it is one."""
        return next(iter(self._ring)) if len(self._ring) == 1 else None

    def of(self, tenant: int) -> int:
        """How many appends of a tenant wait."""
        queue = self._ring.get(tenant)
        return len(queue.items) if queue else 0

    def batch_of(self, tenant: int, most: int) -> list[Waiting]:
        """What goes out next of one tenant, and not more than so many events."""
        self._by_itself.discard(tenant)
        return self._take([tenant] if tenant in self._ring else [], min(most, _MOST_EVENTS))

    def _take(self, tenants: list[int], room: int) -> list[Waiting]:
        batch = self._pick(tenants, room)
        for waiting in batch:
            self.remove(waiting)
        for tenant in {waiting.tenant for waiting in batch} & self._ring.keys():
            self._ring[tenant] = self._ring.pop(tenant)  # to the end of the ring
        batch.sort(key=attrgetter("tenant"))
        return batch

    def _is_full_for(self, queue: _Queue, size: int) -> bool:
        if len(queue.items) >= _MOST_OF_TENANT or queue.size + size > _MOST_BYTES_OF_TENANT:
            return True
        all_of_them = max(self._count / _MOST_WAITING, (self._size + size) / _MOST_BYTES)
        # When all together are too many, there is still room for who has less than an equal share, up to twice as many.
        share = len(self._ring) * max(len(queue.items) / _MOST_WAITING, queue.size / _MOST_BYTES)
        return all_of_them >= 2 or (all_of_them >= 1 and share >= 1)  # noqa: PLR2004

    def _put(self, waiting: Waiting) -> None:
        queue = self._ring.get(waiting.tenant)
        if queue is None:
            queue = self._ring[waiting.tenant] = _Queue({})
        queue.items[waiting] = None
        queue.size += waiting.size
        self._count += 1
        self._size += waiting.size

    def _pick(self, tenants: list[int], room: int) -> list[Waiting]:
        turns = deque(islice(self._ring[tenant].items, _LOOKED_AT) for tenant in tenants)
        batch: list[Waiting] = []
        touched: set[int | bytes] = set()
        while turns and room > 0:
            turn = turns.popleft()
            for waiting in turn:
                if touched.isdisjoint(waiting.marks):
                    events = max(1, len(waiting.append.data))
                    if events <= room or not batch:
                        batch.append(waiting)
                        room -= events
                        touched.update(waiting.marks)
                        turns.append(turn)
                    break
        return batch


def _marks(append: SealedAppend) -> tuple[int | bytes, ...]:
    streams = tuple(stream.stream_id.int for stream in append.streams)
    return (*streams, append.key.digest) if append.key else streams
