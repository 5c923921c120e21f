"""Cursors of lists: opaque, signed, and bound to the tenant, the list and its filters.

One carries the tenant that it was made for, under a pad that only we can take off: when it comes from somebody else,
the platform operator is told whose it is (commands/violations.py).
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any
from uuid import UUID

import msgspec

from domain.errors import DomainError, FieldError

_MAC = 16
_HEAD = _MAC + 16


class Cursors:
    """Makes and reads cursors."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._pads = hmac.new(key, b"tenant", hashlib.sha256).digest()

    def make(self, tenant_id: UUID, scope: object, place: object) -> str:
        """A cursor for a place in a list; `scope` is everything that defines the list."""
        payload = msgspec.json.encode(place)
        return _spelt(self._head(tenant_id, scope, payload) + payload)

    def read(self, cursor: str, tenant_id: UUID, scope: object) -> Any:
        """The place that a cursor stands for.

        Raises:
            InvalidCursorError: it was not made for this list.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidCursorError(None) from None
        if _spelt(raw) != cursor:  # base64 has bits that count for nothing
            raise InvalidCursorError(None)
        head, payload = raw[:_HEAD], raw[_HEAD:]
        if not hmac.compare_digest(head, self._head(tenant_id, scope, payload)):
            made_for = self._padded(head[:_MAC], head[_MAC:]) if len(head) == _HEAD else None
            raise InvalidCursorError(UUID(bytes=made_for) if made_for else None)
        return msgspec.json.decode(payload)

    def _head(self, tenant_id: UUID, scope: object, payload: bytes) -> bytes:
        text = b"\0".join((tenant_id.bytes, msgspec.json.encode(scope, order="deterministic"), payload))
        mac = hmac.new(self._key, text, hashlib.sha256).digest()[:_MAC]
        return mac + self._padded(mac, tenant_id.bytes)

    def _padded(self, mac: bytes, tenant: bytes) -> bytes:
        pad = hmac.new(self._pads, mac, hashlib.sha256).digest()
        return bytes(one ^ other for one, other in zip(tenant, pad, strict=False))


def _spelt(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class InvalidCursorError(DomainError):
    """The refusal of a cursor. `made_for`: the tenant that it says it was made for; of made-up ones, anything."""

    def __init__(self, made_for: UUID | None) -> None:
        super().__init__(
            "cursor.invalid",
            "this cursor does not belong to this list",
            hint="Use next_cursor of the previous page with the same filters and sort, or start without a cursor.",
            errors=(FieldError("cursor", "cursor.invalid", "was not made for this list"),),
        )
        self.made_for = made_for
