"""R1.1: hashes of passwords, off the event loop."""

import asyncio
import os
import threading

import bcrypt
import pytest
from argon2 import PasswordHasher

from domain.errors import DomainError
from infra.keys.passwords import BcryptPasswords

CHEAP = 4


@pytest.fixture
def passwords() -> BcryptPasswords:
    return BcryptPasswords(CHEAP, b"pepper" * 6, threads=1)


@pytest.mark.parametrize("length", [1, 72, 73, 1024])
async def test_a_password_verifies_and_no_other_does(passwords: BcryptPasswords, length: int) -> None:
    hashed = await passwords.hash("p" * length)
    assert await passwords.verify("p" * length, hashed)
    for wrong in ("p" * (length - 1) + "q", "p" * (length + 1), ""):
        assert not await passwords.verify(wrong, hashed)


async def test_nobody_has_no_password(passwords: BcryptPasswords) -> None:
    for hashed in (None, ""):
        assert not await passwords.verify("nobody", hashed)


async def test_a_hash_of_argon2id_verifies_and_is_outdated(passwords: BcryptPasswords) -> None:
    hashed = PasswordHasher(time_cost=1, memory_cost=64).hash("correct horse battery staple")
    assert await passwords.verify("correct horse battery staple", hashed)
    assert not await passwords.verify("correct horse battery stable", hashed)
    assert not await passwords.verify("x", "$argon2id$nonsense")
    assert passwords.is_outdated(hashed)


async def test_a_hash_at_another_cost_is_outdated(passwords: BcryptPasswords) -> None:
    assert passwords.is_outdated(bcrypt.hashpw(b"x", bcrypt.gensalt(CHEAP + 1)).decode())
    assert not passwords.is_outdated(await passwords.hash("x"))


async def test_more_than_can_be_done_in_a_few_seconds_is_refused_at_once(passwords: BcryptPasswords) -> None:
    hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(8)).decode()
    answers = await asyncio.gather(*(passwords.verify("x", hashed) for _ in range(40)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, DomainError)]
    assert (answers.count(True), {refusal.code for refusal in refused}) == (21, {"auth.busy"})
    assert await passwords.verify("x", hashed)


async def test_what_somebody_no_longer_waits_for_counts_until_it_is_done(passwords: BcryptPasswords) -> None:
    hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(8)).decode()
    tasks = [asyncio.create_task(passwords.verify("x", hashed)) for _ in range(21)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(DomainError):
        await passwords.verify("x", hashed)


async def test_the_event_loop_goes_on_meanwhile(passwords: BcryptPasswords) -> None:
    hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(12)).decode()
    hashing = asyncio.create_task(passwords.verify("x", hashed))
    ticks = 0
    while not hashing.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 10


async def test_threads_that_hash_give_way_to_others(passwords: BcryptPasswords) -> None:
    own = await passwords._in_thread(_priority)
    assert own == 15
    assert _priority() < own


def _priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
