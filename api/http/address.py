"""Where a request comes from: the peer, or whom trusted proxies say that they speak for."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from litestar import Request

from commands.identity.throttle import place

Networks = Sequence[IPv4Network | IPv6Network]


def address_of(request: Request[Any, Any, Any]) -> str | None:
    """The address that a request comes from."""
    state = request.scope["state"]
    peer, proxies, forwarded = peer_of(request), state["services"].proxies, state["headers"].get(b"x-forwarded-for")
    if peer and proxies and forwarded:
        return client_address(peer, forwarded.decode("latin-1"), proxies)
    return peer


def peer_of(request: Request[Any, Any, Any]) -> str | None:
    """The address of the other end of the connection."""
    peer = request.scope["client"]
    return peer[0] if peer else None


def client_address(peer: str, forwarded: str, proxies: Networks) -> str:
    """The nearest address that is no trusted proxy's; `forwarded` is the header X-Forwarded-For.

    Each proxy appends whom it heard from, so the header is believed from its end, and only as far as trust reaches:
    what stands before that, the client may have written itself.
    """
    nearest = peer
    for hop in reversed(forwarded.split(",")):
        if not _is_in(nearest, proxies):
            break
        found = _parsed(hop.strip())
        if found is None:
            break
        nearest = str(found)
    return nearest


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """The key that an address is limited by."""
    return place(str(_parsed(address) or address))


def _is_in(address: str, networks: Networks) -> bool:
    found = _parsed(address)
    return found is not None and any(found in network for network in networks)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found
