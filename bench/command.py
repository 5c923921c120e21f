"""command.vs_echo: durable POST /v1/contacts per second against a bare POST echo of the same server and body.

`command` has the API and the store alone on the machine; `command.all_roles` has relay and projector beside it,
which on a small machine take their share of the same cores. The load generator takes its share in all of them.
"""

import itertools
import json

import uvloop

from bench.installation import echo_server, installation, sign_up
from bench.load import Measured, flat_out, request
from bench.report import Figure, show

CONNECTIONS = 64
TENANTS = 16
SECONDS = 5.0


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


def commands(*roles: str) -> Measured:
    """Contacts per second of an installation with these roles."""
    with installation("--search", "postgres", "--roles", ",".join(roles)) as ready:
        tokens = itertools.cycle([sign_up(ready["url"]) for _ in range(TENANTS)])
        numbers = itertools.count()

        def make() -> bytes:
            headers = {"Authorization": f"Bearer {next(tokens)}", "Content-Type": "application/json"}
            return request("POST", "/v1/contacts", body(next(numbers)), headers)

        uvloop.run(flat_out(ready["url"], make, connections=CONNECTIONS, seconds=1))
        return uvloop.run(flat_out(ready["url"], make, connections=CONNECTIONS, seconds=SECONDS))


def echoes() -> Measured:
    """Echoes per second."""
    with echo_server() as url:
        wanted = request("POST", "/echo", body(0), {"Content-Type": "application/json"})
        uvloop.run(flat_out(url, lambda: wanted, connections=CONNECTIONS, seconds=1))
        return uvloop.run(flat_out(url, lambda: wanted, connections=CONNECTIONS, seconds=SECONDS))


def main() -> None:
    """Measure and report."""
    echo = echoes()
    figures = []
    for name, roles in (("command.vs_echo", ("crm",)), ("command.all_roles_vs_echo", ("crm", "relay", "projector"))):
        ours = commands(*roles)
        if ours.failed or echo.failed:
            raise SystemExit(f"{name}: {ours.failed} requests failed")
        note = f"p50 {ours.p50:.1f} ms, p99 {ours.p99:.1f} ms, {CONNECTIONS} connections, {TENANTS} tenants"
        figures.append(Figure(name, ours.rate, echo.rate, ours.rate / echo.rate, "requests/s", note))
    show(figures)


if __name__ == "__main__":
    main()
