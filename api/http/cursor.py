"""Cursors of lists: opaque, signed, and bound to the tenant, the list and its filters."""

import base64
import binascii
import hashlib
import hmac
from typing import Any
from uuid import UUID

import msgspec

from domain.errors import DomainError, FieldError

_MAC = 16


class Cursors:
    """Makes and reads cursors."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, tenant_id: UUID, scope: object, place: object) -> str:
        """A cursor for a place in a list; `scope` is everything that defines the list."""
        payload = msgspec.json.encode(place)
        return base64.urlsafe_b64encode(self._mac(tenant_id, scope, payload) + payload).decode().rstrip("=")

    def read(self, cursor: str, tenant_id: UUID, scope: object) -> Any:
        """The place that a cursor stands for.

        Raises:
            DomainError: cursor.invalid, it was not made for this list.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise invalid() from None
        mac, payload = raw[:_MAC], raw[_MAC:]
        if not hmac.compare_digest(mac, self._mac(tenant_id, scope, payload)):
            raise invalid()
        return msgspec.json.decode(payload)

    def _mac(self, tenant_id: UUID, scope: object, payload: bytes) -> bytes:
        text = b"\0".join((tenant_id.bytes, msgspec.json.encode(scope, order="deterministic"), payload))
        return hmac.new(self._key, text, hashlib.sha256).digest()[:_MAC]


def invalid() -> DomainError:
    """The refusal of a cursor."""
    return DomainError(
        "cursor.invalid",
        "this cursor does not belong to this list",
        hint="Use next_cursor of the previous page with the same filters and sort, or start without a cursor.",
        errors=(FieldError("cursor", "cursor.invalid", "was not made for this list"),),
    )
