"""R1.1, R1.3: a sign-in is the same work whoever is named and whatever is wrong, and brings hashes up to the policy."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID, uuid4

import bcrypt
import pytest
from argon2 import PasswordHasher

from commands.handle import Handler
from commands.identity.accounts import EMAIL_CLAIM
from commands.identity.codes import Codes
from commands.identity.sessions import Sessions, SignedIn
from commands.identity.sign_in import Login, SignIn
from commands.ports import Claim, StreamEvents
from domain.errors import DomainError
from domain.event import SYSTEM, Event, Metadata
from domain.second_factor import TotpConfirmed, TotpEnrolled
from domain.tenant import PLATFORM
from domain.user import UserPasswordRehashed, UserRegistered, UserSuspended
from infra import clock
from infra.access.attempts import PostgresSignInAttempts
from infra.access.authorization import PostgresAuthorization
from infra.access.sessions import PostgresSessions
from infra.access.totp_steps import PostgresTotpSteps
from infra.event_store.finder import find
from infra.event_store.store import PostgresEventStore
from infra.keys.passwords import BcryptPasswords
from infra.keys.refresh import HmacRefreshTokens
from infra.keys.ring import KeyRing
from infra.keys.signing import load_signing_keys
from infra.keys.tokens import AccessTokens
from infra.postgres import SERVICE
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append

pytestmark = pytest.mark.servers

COST = 6
PASSWORD = "correct horse battery staple"


class Door:
    """A sign-in as an API process has it, with users in the log."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self.database = database
        self.store = PostgresEventStore(database.appends, database.service, SECRET)
        self.later: list[Coroutine[Any, Any, None]] = []
        handler = Handler(self.store, clock.now, clock.new_id, find(self.store))
        sessions = Sessions(
            self.store,
            PostgresSessions(database.service, 600),
            PostgresAuthorization(database.appends),
            AccessTokens(keys, 600),
            HmacRefreshTokens(b"r" * 32),
            *(clock.now, clock.new_id),
        )
        self._sign_in = SignIn(
            *(self.store, handler, BcryptPasswords(COST, b"p" * 32, threads=1)),
            PostgresSignInAttempts(database.service, SECRET),
            Codes(handler, PostgresTotpSteps(database.service), clock.now),
            sessions,
            clock.now,
            clock.new_id,
            self.later.append,
        )
        self.tenant, self.user, self.email = uuid4(), uuid4(), f"{uuid4().hex}@engines.example"

    async def user_with(self, password_hash: str, *more: Event) -> None:
        """Somebody to sign in."""
        joined = UserRegistered(name="Ada", email=self.email, password_hash=password_hash, roles=())
        claim = Claim(PLATFORM, EMAIL_CLAIM, self.email, self.user)
        await self.store.append(append(self.tenant, StreamEvents(self.user, 0, (joined, *more)), claims=(claim,)))

    async def sign_in(self, password: str = PASSWORD, code: str | None = None) -> SignedIn:
        asked = Login(email=self.email, password=password, totp=code)
        return await self._sign_in.with_password(asked, Metadata(actor=SYSTEM, correlation_id="t"), None)

    async def events(self) -> list[Event]:
        return [item.event for item in await self.store.load(self.tenant, self.user)]

    async def noted(self) -> list[str]:
        """Topics of the security events."""
        for work in self.later:
            await work
        self.later.clear()
        found = await self.store.read(self.tenant, after=0, limit=100)
        return [item.event.TOPIC for item in found if item.event.TOPIC.startswith("security.")]


@pytest.fixture
async def door(database: Database) -> Door:
    async def load() -> Any:
        return await load_signing_keys(database.pools[SERVICE], SECRET)

    return Door(database, KeyRing(await load(), load))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rounds of every hash that is computed."""
    done: list[int] = []

    def counted(compute: Callable[[bytes, bytes], Any]) -> Callable[[bytes, bytes], Any]:
        def count(password: bytes, salt: bytes) -> Any:
            done.append(2 ** int(salt.split(b"$")[2]))
            return compute(password, salt)

        return count

    monkeypatch.setattr(bcrypt, "checkpw", counted(bcrypt.checkpw))
    monkeypatch.setattr(bcrypt, "hashpw", counted(bcrypt.hashpw))
    return done


def hashed(cost: int = COST) -> str:
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(cost)).decode()


ON = (TotpEnrolled(secret="JBSWY3DPEHPK3PXP", recovery_codes=()), TotpConfirmed())


@pytest.mark.parametrize(
    ("user", "password", "code", "security"),
    [
        (None, PASSWORD, None, []),
        ((COST,), "wrong password", None, ["security.sign_in_failed.v1"]),
        ((COST,), "wrong" * 100, None, ["security.sign_in_failed.v1"]),
        ((COST, UserSuspended()), PASSWORD, None, ["security.sign_in_failed.v1"]),
        ((COST - 2,), "wrong password", None, ["security.sign_in_failed.v1"]),
        ((COST, *ON), "wrong password", "123456", ["security.sign_in_failed.v1"]),
        ((COST, *ON), PASSWORD, "nonsense", ["security.second_factor_failed.v1"]),
    ],
    ids=["nobody", "wrong", "wrong and long", "suspended", "an older hash", "wrong with a code", "a wrong code"],
)
async def test_whatever_is_wrong_the_answer_and_the_work_are_the_same(
    door: Door, work: list[int], user: tuple[Any, ...] | None, password: str, code: str | None, security: list[str]
) -> None:
    if user:
        await door.user_with(hashed(user[0]), *user[1:])
    work.clear()
    with pytest.raises(DomainError) as refusal:
        await door.sign_in(password, code)
    assert str(refusal.value) == "auth.invalid_credentials: e-mail or password is wrong"
    assert sum(work) == 2**COST
    assert await door.noted() == security


async def test_who_is_throttled_is_told_so_before_anything_is_looked_at(door: Door, work: list[int]) -> None:
    await door.user_with(hashed())
    for _ in range(10):
        with pytest.raises(DomainError, match="invalid_credentials"):
            await door.sign_in("wrong password")
    work.clear()
    with pytest.raises(DomainError, match="throttled"):
        await door.sign_in()
    assert work == []
    await door.noted()


@pytest.mark.parametrize(
    "old", [PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD), hashed(COST - 1), hashed(COST + 1)]
)
async def test_a_hash_that_is_none_of_the_policys_is_replaced_at_the_next_sign_in(door: Door, old: str) -> None:
    await door.user_with(old)
    with pytest.raises(DomainError):
        await door.sign_in("wrong password")
    await door.noted()
    for _ in range(2):
        assert (await door.sign_in()).access_token
    (rehashed,) = (await door.events())[1:]
    assert isinstance(rehashed, UserPasswordRehashed)
    assert rehashed.password_hash.startswith(f"$2b${COST:02}$")


async def test_a_code_that_is_missing_costs_no_rehash_and_no_session(door: Door) -> None:
    await door.user_with(hashed(COST - 1), *ON)
    with pytest.raises(DomainError, match="totp_required"):
        await door.sign_in()
    assert len(await door.events()) == 3
    assert await door.noted() == []
    with pytest.raises(DomainError, match="invalid_credentials"):
        await door.sign_in(code=str(UUID(int=0)))
    assert await door.noted() == ["security.second_factor_failed.v1"]
