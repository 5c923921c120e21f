"""command.vs_echo: durable POST /v1/contacts per second against a bare POST echo of the same server and body.

`command` has the API and the store alone on the machine; `command.all_roles` has relay and projector beside it,
which on a small machine take their share of the same cores. The load generator takes its share in all of them.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvloop

from bench.installation import echo_server, installation, sign_up
from bench.load import Measured, flat_out, request
from bench.report import Figure, show

CONNECTIONS = 64
TENANTS = 16
SECONDS = 2.0
ROUNDS = 5


def body(number: int) -> bytes:
    """A contact as a form would send it."""
    return json.dumps(
        {
            "name": f"Ada Lovelace {number}",
            "email": f"ada{number}@engines.example",
            "title": "Countess",
            "tags": ["mathematics", "vip"],
        }
    ).encode()


@contextmanager
def contacts(*roles: str) -> Iterator[Callable[[], Measured]]:
    """An installation with these roles; gives a function that measures its commands for a while."""
    with installation("--search", "postgres", "--roles", ",".join(roles)) as ready:
        tokens = itertools.cycle([sign_up(ready["url"]) for _ in range(TENANTS)])
        numbers = itertools.count()

        def make() -> bytes:
            headers = {"Authorization": f"Bearer {next(tokens)}", "Content-Type": "application/json"}
            return request("POST", "/v1/contacts", body(next(numbers)), headers)

        yield lambda: uvloop.run(flat_out(ready["url"], make, connections=CONNECTIONS, seconds=SECONDS))


@contextmanager
def echoes() -> Iterator[Callable[[], Measured]]:
    """The bare server; gives a function that measures it for a while."""
    with echo_server() as url:
        wanted = request("POST", "/echo", body(0), {"Content-Type": "application/json"})
        yield lambda: uvloop.run(flat_out(url, lambda: wanted, connections=CONNECTIONS, seconds=SECONDS))


def compare(name: str, *roles: str) -> Figure:
    """Commands beside echoes, turn about: the speed of a shared machine changes from second to second."""
    with echoes() as echo, contacts(*roles) as command:
        echo(), command()
        pairs = [(command(), echo()) for _ in range(ROUNDS)]
    failed = sum(ours.failed + theirs.failed for ours, theirs in pairs)
    if failed:
        raise SystemExit(f"{name}: {failed} requests failed")
    ours, theirs = sorted(pairs, key=lambda pair: pair[0].rate / pair[1].rate)[ROUNDS // 2]
    setting = f"{CONNECTIONS} connections, {TENANTS} tenants, median of {ROUNDS}"
    note = f"p50 {ours.p50:.1f} ms, p99 {ours.p99:.1f} ms; {setting}"
    return Figure(name, ours.rate, theirs.rate, ours.rate / theirs.rate, "requests/s", note)


def main() -> None:
    """Measure and report."""
    show([compare("command.vs_echo", "crm"), compare("command.all_roles_vs_echo", "crm", "relay", "projector")])


if __name__ == "__main__":
    main()
