"""Events, checkpoints and proofs without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from infra.integrity import chain, merkle
from infra.integrity.chain import StoredEvent
from infra.integrity.keys import SigningKey
from infra.integrity.proof import prove
from infra.integrity.records import Checkpoint, Restored, sign
from infra.secret import Secret

KEY = SigningKey(Secret(b"the secret of these tests, made up"))
OTHER_KEY = SigningKey(Secret(b"the secret of somebody else, made up"))
TENANT = UUID("019b0000-0000-7000-8000-000000000001")
STREAM = UUID("019b0000-0000-7000-8000-000000000002")
INCARNATION = UUID("019b0000-0000-7000-8000-000000000003")
COMMAND = UUID("019b0000-0000-7000-8000-000000000004")
TIME = datetime(2026, 2, 3, 4, 5, 6, 123456, tzinfo=UTC)


def event(position: int = 1, data: bytes = b'{"name":"Ada"}') -> StoredEvent:
    return StoredEvent(
        TENANT, position, STREAM, position, "contact.registered.v1", TIME, TIME + timedelta(seconds=position),
        data, b'{"correlation_id":"test"}', COMMAND,
    )  # fmt: skip


def hashes(count: int) -> list[bytes]:
    """Of the first events of a log."""
    found = [chain.GENESIS]
    for position in range(1, count + 1):
        found.append(chain.link(found[-1], chain.fields(event(position))))
    return found[1:]


def checkpoint(first: int = 1, last: int = 10, key: SigningKey = KEY, time: datetime = TIME) -> Checkpoint:
    every = hashes(last)
    return sign(
        Checkpoint(
            INCARNATION,
            TENANT,
            first,
            last,
            every[-1].hex(),
            merkle.root(every[first - 1 :]).hex(),
            time,
            key.public.kid,
        ),
        key,
    )


def restored(position: int, lost: int, key: SigningKey = KEY, time: datetime = TIME) -> Restored:
    link = hashes(position)[-1] if position else chain.GENESIS
    return sign(Restored(UUID(int=9), TENANT, position, lost, link.hex(), time, key.public.kid), key)


def proof(position: int = 6, first: int = 3, last: int = 10) -> bytes:
    every = hashes(last)
    before = every[position - 2] if position > 1 else chain.GENESIS
    return prove(event(position), before, checkpoint(first, last), every[first - 1 :], KEY.public)
