"""gate.added, gate.me_vs_hello: what stands in front of a request, and a signed-in one beside none at all.

`gate.added` is the median of GET /v1/me/permissions, which reads nothing but what the gate has found out, less that of
a bare hello of the same server, over one connection; its reference is the limit of 0.6 ms. `gate.me_vs_hello` is GET
/v1/me per second against that hello, flat out. Relay and projector are there, with nothing to do: the last sign-in is
in a read model.
"""

import uvloop

from bench.installation import echo_server, installation, sign_up
from bench.load import Measured, flat_out, request
from bench.report import Figure, show

CONNECTIONS = 64
SECONDS = 2.0
ROUNDS = 5
LIMIT_MS = 0.6


def measured(url: str, wanted: bytes, connections: int) -> Measured:
    """One request again and again, for a while."""
    found = uvloop.run(flat_out(url, lambda: wanted, connections=connections, seconds=SECONDS))
    if found.failed:
        raise SystemExit(f"gate: {found.failed} requests failed")
    return found


def figures() -> list[Figure]:
    """Turn about, since the speed of a shared machine changes from second to second."""
    with echo_server() as bare, installation("--search", "postgres", "--roles", "crm,relay,projector") as ready:
        url, hello = ready["url"], request("GET", "/hello")
        headers = {"Authorization": f"Bearer {sign_up(url)}"}
        me, gate = (request("GET", path, headers=headers) for path in ("/v1/me", "/v1/me/permissions"))
        measured(url, me, CONNECTIONS)
        alone = [(measured(url, gate, 1).p50, measured(bare, hello, 1).p50) for _ in range(ROUNDS)]
        many = [(measured(url, me, CONNECTIONS).rate, measured(bare, hello, CONNECTIONS).rate) for _ in range(ROUNDS)]
    ours, theirs = sorted(many, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    added = sorted(gated - plain for gated, plain in alone)[ROUNDS // 2]
    setting = f"median of {ROUNDS}"
    return [
        Figure("gate.added", added, LIMIT_MS, LIMIT_MS / added, "ms", f"1 connection, {setting}"),
        Figure("gate.me_vs_hello", ours, theirs, ours / theirs, "requests/s", f"{CONNECTIONS} connections, {setting}"),
    ]


def main() -> None:
    """Measure and report."""
    show(figures())


if __name__ == "__main__":
    main()
