"""R1.2: keys that sign take turns."""

import asyncio
import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.identity.access import Claims, InvalidTokenError
from infra.keys import turns
from infra.keys.ring import KeyRing
from infra.keys.signing import FOREVER, SigningKey, SigningKeys, load_signing_keys, new_row
from infra.keys.tokens import AccessTokens
from infra.postgres import SERVICE
from infra.secret import Secret
from tests.conftest import SECRET, Database

SAID = Claims(uuid4(), uuid4(), uuid4(), 0)


def key(kid: str, signs_from: float, retires_at: float = FOREVER) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    return SigningKey(kid, private, private.public_key(), signs_from, retires_at)


def kids(keys: SigningKeys, now: float) -> list[str]:
    return [found["kid"] for found in keys.jwks(now)["keys"]]


def test_a_key_is_published_before_it_signs_and_until_what_it_signed_has_expired() -> None:
    keys = SigningKeys((key("old", 0, 200), key("new", 100)))
    assert [keys.signer(now).kid for now in (50, 99, 100, 300)] == ["old", "old", "new", "new"]
    assert [kids(keys, now) for now in (50, 199, 200)] == [["old", "new"], ["old", "new"], ["new"]]
    assert keys.find("old", 199)
    assert keys.find("old", 200) is None


def test_where_the_clock_is_behind_the_first_key_signs() -> None:
    assert SigningKeys((key("first", 100),)).signer(50).kid == "first"


async def test_a_token_that_was_good_is_refused_once_its_key_is_retired(monkeypatch: pytest.MonkeyPatch) -> None:
    signing = key("k" * 16, 0, time.time() + 100)

    async def load() -> SigningKeys:
        return SigningKeys((signing,))

    tokens = AccessTokens(KeyRing(await load(), load), 600)
    token, _ = tokens.issue(SAID)
    assert await tokens.verify(token) == SAID
    later = time.time() + 101
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(InvalidTokenError):
        await tokens.verify(token)


class Process:
    """The keys as an API process has them; counts how often it reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reads = 0

    async def start(self) -> "Process":
        self.ring = KeyRing(await self.load(), self.load)
        self.tokens = AccessTokens(self.ring, 600)
        return self

    async def load(self) -> SigningKeys:
        self.reads += 1
        return await load_signing_keys(self._database.pools[SERVICE], SECRET)


def passed(database: Database, seconds: int) -> None:
    """So much time, for the keys."""
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute(
            """UPDATE ops.signing_key SET signs_from = signs_from - make_interval(secs => %(s)s),
                      retires_at = retires_at - make_interval(secs => %(s)s)""",
            {"s": seconds},
        )


@pytest.fixture
def dsn(database: Database) -> Iterator[str]:
    """An administrator's; leaves no key behind."""
    yield database.admin_dsn
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute("DELETE FROM ops.signing_key")


@pytest.mark.servers
async def test_a_rotation_signs_nobody_out_and_needs_no_restart(database: Database, dsn: str) -> None:
    here, there = await Process(database).start(), await Process(database).start()
    old, _ = here.tokens.issue(SAID)

    kid = turns.rotate(dsn, SECRET, 600)
    await here.ring.reload()

    assert [found["kid"] for found in here.ring.jwks()["keys"]][-1] == kid
    assert here.ring.keys.signer(time.time()).kid != kid
    passed(database, turns.LEAD_SECONDS)
    await here.ring.reload()
    assert here.ring.keys.signer(time.time()).kid == kid
    new, _ = here.tokens.issue(SAID)
    for process in (here, there):
        assert await process.tokens.verify(old) == await process.tokens.verify(new) == SAID
    assert [turn.state for turn in turns.turns(dsn)] == ["verifies", "signs"]

    passed(database, 600 + 600)
    await here.ring.reload()
    assert [found["kid"] for found in here.ring.jwks()["keys"]] == [kid]
    with pytest.raises(InvalidTokenError):
        await here.tokens.verify(old)
    assert await here.tokens.verify(new) == SAID
    assert [turn.state for turn in turns.turns(dsn)] == ["retired", "signs"]
    turns.rotate(dsn, SECRET, 600)
    assert [turn.state for turn in turns.turns(dsn)] == ["signs", "published"]


@pytest.mark.servers
async def test_a_stolen_key_is_retired_at_once(database: Database, dsn: str) -> None:
    process = await Process(database).start()
    stolen, _ = process.tokens.issue(SAID)
    await process.tokens.verify(stolen)
    turns.rotate(dsn, SECRET, 600, at_once=True)
    await process.ring.reload()
    with pytest.raises(InvalidTokenError):
        await process.tokens.verify(stolen)
    assert await process.tokens.verify(process.tokens.issue(SAID)[0]) == SAID


@pytest.mark.servers
async def test_made_up_key_ids_cost_the_database_next_to_nothing(database: Database, dsn: str) -> None:
    process, stranger = await Process(database).start(), key("", 0)
    before = process.reads
    made_up = [
        AccessTokens(
            KeyRing(SigningKeys((SigningKey(f"{n:016}", stranger.private, stranger.public, 0),)), process.load), 600
        )
        for n in range(200)
    ]
    tokens = [each.issue(SAID)[0] for each in made_up]
    started = time.monotonic()
    answers = await asyncio.gather(*(process.tokens.verify(token) for token in tokens), return_exceptions=True)
    assert {type(answer) for answer in answers} == {InvalidTokenError}
    # Meanwhile a new key signs: its token is good all the same.
    turns.rotate(dsn, SECRET, 600, at_once=True)
    flood = [asyncio.create_task(process.ring.find(f"{n:016}")) for n in range(200)]
    there = await Process(database).start()
    assert await process.tokens.verify(there.tokens.issue(SAID)[0]) == SAID
    await asyncio.gather(*flood)
    assert process.reads - before <= 2 + (time.monotonic() - started)


@pytest.mark.servers
async def test_a_key_that_somebody_else_put_there_is_refused(database: Database, dsn: str) -> None:
    process = await Process(database).start()
    token, _ = process.tokens.issue(SAID)
    with psycopg.connect(dsn) as connection:
        row = new_row(Secret(b"a secret that is not the installation's"))
        connection.execute("INSERT INTO ops.signing_key (kid, private_key) VALUES (%s, %s)", row)
    with pytest.raises(InvalidTag):
        await Process(database).start()
    await process.ring.reload()
    assert await process.ring.find(row[0]) is None
    assert await process.tokens.verify(token) == SAID


@pytest.mark.servers
async def test_a_first_key_is_made_once_it_is_needed(database: Database, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("DELETE FROM ops.signing_key")
    first, second = await Process(database).start(), await Process(database).start()
    assert first.ring.keys.turns == second.ring.keys.turns
    assert len(first.ring.keys.keys) == 1
