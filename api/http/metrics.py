"""Metrics for Prometheus: for operators, who see every tenant's id, and for nobody else."""

import hmac
from ipaddress import IPv6Address, ip_address

from litestar import Router, get
from litestar.exceptions import NotFoundException

from api.http.address import peer_of
from api.http.answer import Answer
from api.http.exchange import HttpRequest, services_of
from api.http.gate import header
from api.http.operation import PUBLIC, operation

TAG = "health"

_MEDIA = b"text/plain; version=0.0.4; charset=utf-8"
_PASSED_ON = (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")


@get(
    "/metrics",
    **operation(
        summary="Figures for Prometheus",
        description="With the token RAPPORT_METRICS_TOKEN; where none is set, from this machine itself and past no"
        " proxy. To everybody else there is nothing here. Labels have ids of tenants, no personal data.",
        tag=TAG,
        permission=PUBLIC,
        answers={200: None},
        errors=("route.not_found",),
    ),
)
async def metrics(request: HttpRequest) -> Answer:
    """Lag of the read models, parked streams, and what waits."""
    if not _may_see(request, services_of(request).metrics_token):
        raise NotFoundException
    return Answer(await services_of(request).metrics(), media=_MEDIA)


def _may_see(request: HttpRequest, token: str | None) -> bool:
    if token:
        scheme, _, given = (header(request, b"authorization") or "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    # A proxy on this machine connects from it too, on behalf of anybody.
    if any(header(request, name) for name in _PASSED_ON):
        return False
    return _is_this_machine(peer_of(request))


def _is_this_machine(peer: str | None) -> bool:
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback


ROUTER = Router(path="/", route_handlers=[metrics])
