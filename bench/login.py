"""login.*: sign-ins per second beside bcrypt alone, and what everybody else notices of them.

Passwords are hashed at the cost of an installation (12), which bench.installation lowers for others. Everybody signs
in from one address, each as a user of their own, so that the throttle has nothing to say.
"""

import asyncio
import itertools
import json
import os
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt
import uvloop

from bench.installation import call, installation
from bench.load import Measured, flat_out, paced, request
from bench.report import Figure, show

COST = 12
THREADS = os.cpu_count() or 1
"""As many as the API hashes in (infra/keys/passwords.py)."""
CONNECTIONS = 4 * THREADS
RATE = 100
SECONDS = 5.0
ROUNDS = 3
_PASSWORD = "a long enough password"  # noqa: S105  of made-up people


class People:
    """A tenant each for so many users, and a contact to look at."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._emails = itertools.cycle([f"{uuid.uuid4().hex}@bench.example" for _ in range(CONNECTIONS)])
        tokens = [self._sign_up(next(self._emails)) for _ in range(CONNECTIONS)]
        self._bearer = {"Authorization": f"Bearer {tokens[0]}"}
        contact: Any = call(url, "POST", "/v1/contacts", {"name": "Ada Lovelace"}, self._bearer)
        self._look = request("GET", f"/v1/contacts/{contact['id']}", b"", self._bearer)

    def _sign_up(self, email: str) -> str:
        body = {"tenant_name": "Bench", "name": "Bench", "email": email, "password": _PASSWORD}
        return str(call(self.url, "POST", "/v1/auth/register", body)["access_token"])

    def _sign_in(self) -> bytes:
        body = json.dumps({"email": next(self._emails), "password": _PASSWORD}).encode()
        return request("POST", "/v1/auth/login", body, {"Content-Type": "application/json"})

    async def sign_ins(self) -> Measured:
        """Sign-ins as fast as they are answered."""
        return await flat_out(self.url, self._sign_in, connections=CONNECTIONS, seconds=SECONDS)

    async def looks(self) -> Measured:
        """Looks at a contact, at random moments."""
        return await paced(self.url, lambda: self._look, rate=RATE, seconds=SECONDS)

    async def looks_beside_sign_ins(self) -> Measured:
        """The same while people sign in flat out."""
        looked, signed_in = await asyncio.gather(self.looks(), self.sign_ins())
        return Measured(looked.rate, looked.p50, looked.p95, looked.p99, looked.failed + signed_in.failed)


def hashes() -> float:
    """Hashes per second of bcrypt alone."""
    known = bcrypt.hashpw(_PASSWORD.encode(), bcrypt.gensalt(COST))
    started = time.perf_counter()

    def check() -> int:
        done = 0
        while time.perf_counter() < started + SECONDS:
            bcrypt.checkpw(_PASSWORD.encode(), known)
            done += 1
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(check) for _ in range(THREADS)]
    return sum(future.result() for future in futures) / (time.perf_counter() - started)


def measured(work: Callable[[], Any]) -> Measured:
    """A run in which nothing failed."""
    found: Measured = uvloop.run(work())
    if found.failed:
        raise SystemExit(f"login: {found.failed} requests failed")
    return found


def middle(name: str, pairs: list[tuple[float, float]], unit: str, note: str, *, more_is_better: bool) -> Figure:
    """The round with the median ratio; pairs are ours and the reference."""
    ranked = sorted((ours / theirs if more_is_better else theirs / ours, ours, theirs) for ours, theirs in pairs)
    ratio, ours, theirs = ranked[len(ranked) // 2]
    spread = f"{ranked[0][0]:.2f} to {ranked[-1][0]:.2f} in {len(ranked)} rounds"
    return Figure(name, ours, theirs, ratio, unit, f"{note}; {spread}")


def main() -> None:
    """Measure and report."""
    rates, waits = [], []
    with installation("--search", "postgres", RAPPORT_BCRYPT_COST=str(COST)) as ready:
        people = People(ready["url"])
        measured(people.looks), measured(people.sign_ins)
        for _ in range(ROUNDS):
            rates.append((measured(people.sign_ins).rate, hashes()))
            quiet, loud = measured(people.looks), measured(people.looks_beside_sign_ins)
            waits.append((loud.p95, quiet.p95))
    setting = f"cost {COST}, {THREADS} threads"
    show(
        [
            middle("login.vs_bcrypt", rates, "logins/s", f"{setting}, {CONNECTIONS} connections", more_is_better=True),
            middle("login.neighbour_p95", waits, "ms", f"{setting}, {RATE} looks/s", more_is_better=False),
        ]
    )


if __name__ == "__main__":
    main()
