"""Who may do what, as of the last commit: each request reads the few events that came since the one before.

Requests of the same moment ask together, in one round trip: a look that was sent after a request came sees every commit
that was answered before it.
"""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct, structs
from psycopg.pq import Format
from psycopg.pq.abc import PGresult
from psycopg_pool import PoolTimeout

from commands.identity.access import Claims, KeyClaims, Principal, key_ended, session_ended, speaking, tenant_suspended
from commands.ports import StoreUnavailableError
from domain.authorization import Access, Fact, fold
from domain.custom_field import CustomField
from domain.errors import kind_of
from infra import clock
from infra.lines import Statement
from infra.postgres import Pool

_TENANTS = 2_000
_PRINCIPALS = 20_000
_CALLS = 2
_MOST_IN_CALL = 200

_NOWHERE: tuple[int, str | None] = (0, None)
_LOOK = Statement(
    b"SELECT n, lasts, head, hash, position, stream_id, topic, data FROM store.look($1::jsonb)", Format.TEXT
)

_encoder = msgspec.json.Encoder()


_Answer = tuple[bool, Access, int]
_Asked = dict[Claims, list["asyncio.Future[_Answer]"]]


class _Known(Struct, frozen=True):
    """What a tenant's log says of access, to its end: the hash there tells that it is no other log, and no longer."""

    access: Access = Access()
    hash: str | None = None


class PostgresAuthorization:
    """Implements commands.identity.access.Authorization.

    The pool is the one that may append: it leads to the primary (a replica may not know of a suspension yet), and asks
    for several tenants at once.
    """

    def __init__(self, pool: Pool) -> None:
        self._lines = pool.lines
        self._known: OrderedDict[UUID, _Known] = OrderedDict()
        # By session, whose id is a number here (a UUID is slow to hash), as of the state beside it.
        self._principals: dict[int, tuple[Access, Claims, Principal]] = {}
        self._waiting: _Asked = {}
        self._is_beginning = False
        self._calls: set[asyncio.Task[None]] = set()

    async def principal(self, claims: Claims) -> Principal:
        """See the port."""
        lasts, access, head = await self._look(claims)
        if not lasts:
            self.forget(claims.session_id)
            raise session_ended()
        known = self._principals.get(claims.session_id.int)
        if known and known[0] is access and known[1] == claims:
            principal = known[2]
            if principal.head == head:
                return principal
            principal = structs.replace(principal, head=head)
        else:
            self.forget(claims.session_id)  # unless it goes well
            principal = _principal(claims, access, head)
        if len(self._principals) >= _PRINCIPALS:
            self._principals.clear()
        self._principals[claims.session_id.int] = access, claims, principal
        return principal

    def was_let_in(self, claims: Claims | KeyClaims) -> bool:
        """See the port. Keys, which are few and busy, are not remembered."""
        known = self._principals.get(claims.session_id.int) if isinstance(claims, Claims) else None
        return known is not None and known[1] == claims

    def forget(self, session_id: UUID) -> None:
        """See the port."""
        self._principals.pop(session_id.int, None)

    async def of_key(self, claims: KeyClaims) -> Principal:
        """See the port."""
        _, access, head = await self._look(_nobody(claims.tenant_id))
        key = access.keys.get(claims.key_id)
        if key is None or not key.is_good(clock.now()) or not hmac.compare_digest(key.digest, claims.digest):
            raise key_ended()
        member = access.members.get(key.user_id)
        if member is None or member.suspended:
            raise key_ended()
        if access.suspended:
            raise tenant_suspended()
        as_session = Claims(claims.tenant_id, key.user_id, claims.key_id, member.epoch)
        return speaking(access, as_session, key.roles, key_id=claims.key_id, head=head)

    async def access(self, tenant_id: UUID) -> Access:
        """See the port."""
        return (await self._look(_nobody(tenant_id)))[1]

    async def custom(self, tenant_id: UUID) -> Mapping[str, Mapping[str, CustomField]]:
        """The tenant's custom fields by kind of record and key, deleted ones too. Raises StoreUnavailableError."""
        return (await self.access(tenant_id)).custom

    def _look(self, claims: Claims) -> "asyncio.Future[_Answer]":
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(claims, []).append(answer)  # whoever claims the same asks once
        self._send()
        return answer

    def _send(self) -> None:
        if self._waiting and not self._is_beginning and len(self._calls) < _CALLS:
            self._is_beginning = True
            task = asyncio.create_task(self._call())
            self._calls.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._calls.discard(task)
        self._send()

    async def _call(self) -> None:
        """Ask for whoever waits by the time that this runs: all that came in one turn of the loop, not the first."""
        self._is_beginning = False
        batch = {claims: self._waiting.pop(claims) for claims in list(islice(self._waiting, _MOST_IN_CALL))}
        self._send()  # for those that are too many for one call
        await self._answer(batch)

    async def _answer(self, batch: _Asked) -> None:
        claims = list(batch)
        before = {one.tenant_id: self._known.get(one.tenant_id) or _Known() for one in claims}
        try:
            rows = await self._rows(claims, before)
            answers = self._folded(claims, before, rows)
        except (psycopg.OperationalError, PoolTimeout) as error:
            _fail(batch, StoreUnavailableError(kind_of(error)))
        except BaseException as error:
            _fail(batch, error)
            raise
        else:
            for waiting, answer in zip(batch.values(), answers, strict=True):
                for each in waiting:
                    if not each.done():  # its request was cancelled
                        each.set_result(answer)

    async def _rows(self, claims: Sequence[Claims], before: Mapping[UUID, _Known]) -> list[tuple[Any, ...]]:
        unread = dict(before)
        asks = []
        for number, one in enumerate(claims):
            known = unread.pop(one.tenant_id, None)
            asks.append(
                {
                    "n": number,
                    "tenant": one.tenant_id,
                    "session": one.session_id,
                    "member": one.user_id,
                    "epoch": one.epoch,
                    "after": known.access.position if known else None,
                    "hash": known.hash if known else None,
                }
            )
        return _rows(await self._lines.ask(_LOOK, (_encoder.encode(asks),)))

    def _folded(
        self, claims: Sequence[Claims], before: Mapping[UUID, _Known], rows: Sequence[tuple[Any, ...]]
    ) -> list[_Answer]:
        lasting = {row[0] for row in rows if row[1]}
        ends = {claims[row[0]].tenant_id: (row[2], row[3]) for row in rows if row[2] is not None}
        facts: dict[UUID, list[Fact]] = {}
        for number, _, _, _, position, *fact in rows:
            if position is not None:
                facts.setdefault(claims[number].tenant_id, []).append(Fact(position, *fact))
        now = {tenant_id: fold(known.access, facts.get(tenant_id, ())) for tenant_id, known in before.items()}
        for tenant_id, access in now.items():
            self._keep(tenant_id, access, ends.get(tenant_id, _NOWHERE)[1])
        asked = [one.tenant_id for one in claims]
        return [(number in lasting, now[each], ends.get(each, _NOWHERE)[0]) for number, each in enumerate(asked)]

    def _keep(self, tenant_id: UUID, access: Access, hash_: str | None) -> None:
        known = self._known.get(tenant_id)
        if known is None or known.access.position < access.position:
            self._known[tenant_id] = _Known(access, hash_)
        elif known.access.position == access.position and known.hash != hash_:
            self._known[tenant_id] = _Known(known.access, hash_)
        self._known.move_to_end(tenant_id)
        if len(self._known) > _TENANTS:
            self._known.popitem(last=False)


def _nobody(tenant_id: UUID) -> Claims:
    return Claims(tenant_id, UUID(int=0), UUID(int=0), 0)


def _principal(claims: Claims, access: Access, head: int) -> Principal:
    member = access.members.get(claims.user_id)
    if member is None or member.suspended or not member.joined or member.epoch != claims.epoch:
        raise session_ended()
    if access.suspended:
        raise tenant_suspended()
    return speaking(access, claims, member.roles, head=head)


def _rows(result: PGresult) -> list[tuple[Any, ...]]:
    """n, lasts, head, hash, position, stream_id, topic, data; the last four are None where nothing is new."""
    value = result.get_value
    rows: list[tuple[Any, ...]] = []
    for number in range(result.ntuples):
        n, lasts = int.from_bytes(value(number, 0) or b""), value(number, 1) == b"\1"
        known, hash_, position = value(number, 2), value(number, 3), value(number, 4)
        head = None if known is None else int.from_bytes(known)
        end = head, None if hash_ is None else f"\\x{hash_.hex()}"  # as Postgres reads bytes out of JSON
        stream, topic = (value(number, 5), value(number, 6)) if position else (None, None)
        if position is None or stream is None or topic is None:
            rows.append((n, lasts, *end, None, None, None, None))
        else:
            facts = int.from_bytes(position), UUID(bytes=stream), topic.decode(), value(number, 7)
            rows.append((n, lasts, *end, *facts))
    return rows


def _fail(batch: _Asked, error: BaseException) -> None:
    for waiting in batch.values():
        for each in waiting:
            if not each.done():
                each.set_exception(error)
