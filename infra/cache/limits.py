"""Rate limits, exact over all processes while Valkey is there.

Requests that come in the same turn of the loop, or while two calls are under way, go to Valkey in one call. Without
Valkey every process counts for itself, up to its share: the limit divided by the processes that were seen last.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from uuid import uuid4

import structlog
from msgspec import Struct
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from commands.limits import Count, Use
from domain.errors import kind_of
from infra.cache.limit_script import SCRIPT, packed, unpacked
from infra.cache.windows import LocalLimiter
from infra.cache.wire import Wire

_PULSE_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
_GONE_SECONDS = 10.0
_CALLS = 2
_MOST_FAILURES = 3
_MOST_IN_CALL = 200
_MOST_REFUSALS = 10_000
_PROCESSES = "limit:processes"
_SHA = hashlib.sha1(SCRIPT.encode()).hexdigest().encode()  # noqa: S324  how Valkey names scripts

_log = structlog.get_logger()


class _Asked(Struct, eq=False):
    uses: Sequence[Use]
    answer: "asyncio.Future[Sequence[Count]]"


class _Call(Struct, eq=False):
    asked: Sequence[_Asked]
    answer: "asyncio.Future[bytes]"
    timer: asyncio.TimerHandle | None = None
    late: bool = False


class ValkeyLimiter:
    """Implements commands.limits.Limiter: in Valkey while that is there, and answers within `timeout` seconds."""

    def __init__(
        self,
        client: Valkey | None,
        *,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shared = False
        self._client = client
        self._wire: Wire | None = None
        self._timeout = timeout
        self._clock = clock
        self._local = LocalLimiter(clock)
        self._process = uuid4().hex
        self._waiting: list[_Asked] = []
        self._calls = 0
        self._failures = 0
        self._context = Context()
        self._sending = False
        self._refused: OrderedDict[tuple[str, str], tuple[Count, float]] = OrderedDict()

    def count(self, uses: Sequence[Use]) -> "asyncio.Future[Sequence[Count]]":
        """See the port."""
        loop = asyncio.get_running_loop()
        asked = _Asked(uses, loop.create_future())
        if known := self.refused(uses):
            asked.answer.set_result(known)
            return asked.answer
        if not self.shared:
            asked.answer.set_result(self._seen(uses, self._local.count(uses)))
            return asked.answer
        self._waiting.append(asked)
        if not self._sending and self._calls < _CALLS:
            self._sending = True
            # Nothing of the request that happens to be first: the call, and what is logged of it, is that of many.
            loop.call_soon(self._send, context=self._context)
        return asked.answer

    def refused(self, uses: Sequence[Use]) -> Sequence[Count]:
        """See the port: whom a limit has refused, it refuses until the wait is over, whatever others do meanwhile."""
        if not self._refused:
            return ()
        now = self._clock()
        found = []
        for limit, key in uses:
            count, until = self._refused.get((limit.name, key), (None, 0.0))
            if count and until > now:
                found.append(Count(count.limit, count.left, max(1, round(until - now)), until - now))
        return found

    async def open(self) -> None:
        """Ask whether Valkey is there, and how many processes share it."""
        there = self._client is not None and await self._is_there(self._client)
        if there != self.shared:
            self._switch(shared=there)

    async def run(self) -> None:
        """Keep asking, until cancelled."""
        while True:
            await asyncio.sleep(_PULSE_SECONDS)
            await self.open()

    async def _is_there(self, client: Valkey) -> bool:
        # Connecting takes longer than a request may wait: only this, which may, brings Valkey back in.
        try:
            async with asyncio.timeout(_CONNECT_SECONDS), client.pipeline(transaction=False) as pipeline:
                pipeline.script_load(SCRIPT)
                pipeline.zadd(_PROCESSES, {self._process: time.time()})
                pipeline.zremrangebyscore(_PROCESSES, "-inf", time.time() - _GONE_SECONDS)
                pipeline.zcard(_PROCESSES)
                self._local.processes = max(1, (await pipeline.execute())[3])
                if self._wire is None or self._wire.is_lost or not self.shared:
                    before, self._wire = self._wire, await Wire.of(client)
                    if before:
                        await before.close()
        except (ValkeyError, OSError, TimeoutError) as error:
            if self.shared:
                _log.warning("limits.unreachable", error=kind_of(error))
            return False
        return True

    def _switch(self, *, shared: bool) -> None:
        self.shared = shared
        self._failures = 0
        self._refused.clear()
        tell = _log.info if shared else _log.warning
        tell("limits.shared" if shared else "limits.local", processes=self._local.processes)

    def _send(self) -> None:
        self._sending = False
        while self._waiting and self._calls < _CALLS:
            asked, self._waiting = self._waiting[:_MOST_IN_CALL], self._waiting[_MOST_IN_CALL:]
            assert self._wire is not None  # noqa: S101  it is never shared without one
            keys, argument = packed([one.uses for one in asked])
            call = _Call(asked, self._wire.call(b"EVALSHA", _SHA, b"%d" % len(keys), *keys, argument))
            self._calls += 1
            call.timer = asyncio.get_running_loop().call_later(self._timeout, self._late, call)
            call.answer.add_done_callback(partial(self._done, call))

    def _late(self, call: _Call) -> None:
        if call.late:
            call.answer.cancel()
            return
        # It may be this process that was slow: then the answer is here, and is read before this comes again.
        call.late = True
        call.timer = asyncio.get_running_loop().call_later(self._timeout / 4, self._late, call)

    def _done(self, call: _Call, answer: "asyncio.Future[bytes]") -> None:
        if call.timer:
            call.timer.cancel()
        self._calls -= 1
        answers: Sequence[Sequence[Count]]
        error = TimeoutError("no answer in time") if answer.cancelled() else answer.exception()
        if error is None:
            self._failures = 0
            answers = list(unpacked([one.uses for one in call.asked], answer.result()))
        else:
            self._failures += 1
            if self._failures >= _MOST_FAILURES and self.shared:
                _log.warning("limits.failed", error=kind_of(error))
                self._switch(shared=False)
            answers = [self._local.count(one.uses) for one in call.asked]
        for one, counts in zip(call.asked, answers, strict=True):
            seen = self._seen(one.uses, counts)
            if not one.answer.done():  # its request may have been cancelled
                one.answer.set_result(seen)
        self._send()

    def _seen(self, uses: Sequence[Use], counts: Sequence[Count]) -> Sequence[Count]:
        for (limit, key), count in zip(uses, counts, strict=True):
            if count.wait:
                self._refused[limit.name, key] = (count, self._clock() + count.wait)
                self._refused.move_to_end((limit.name, key))
                if len(self._refused) > _MOST_REFUSALS:
                    self._refused.popitem(last=False)
        return counts
