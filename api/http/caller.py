"""From where, and with what, a request came."""

from msgspec import structs

from api.http.address import address_of
from api.http.exchange import HttpRequest, metadata_of
from api.http.gate import header
from domain.event import Actor, Metadata

_LONGEST = 200


def client_of(request: HttpRequest) -> str | None:
    """What the program that asks says of itself, as far as it can be shown."""
    text = (header(request, b"user-agent") or "")[:_LONGEST]
    return "".join(character for character in text if character.isprintable()) or None


def traced(request: HttpRequest, actor: Actor) -> Metadata:
    """How an act is traced, with the address that it came from."""
    return structs.replace(metadata_of(request, actor), address=address_of(request))
