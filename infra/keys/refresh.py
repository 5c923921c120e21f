"""Refresh tokens: an HMAC over tenant, session and generation, so that none has to be stored."""

import base64
import binascii
import hashlib
import hmac
import struct
from uuid import UUID

from commands.identity.access import InvalidTokenError
from commands.identity.sessions import RefreshToken

_PREFIX = "rr_"
_PLACE = struct.Struct(">16s16sI")
_LENGTH = len(_PREFIX) + 4 * (_PLACE.size + hashlib.sha256().digest_size) // 3 + 1


class HmacRefreshTokens:
    """Implements commands.identity.sessions.RefreshTokens."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def spell(self, token: RefreshToken) -> str:
        """See the port."""
        place = _PLACE.pack(token.tenant_id.bytes, token.session_id.bytes, token.generation)
        return _PREFIX + base64.urlsafe_b64encode(place + self._mac(place)).decode().rstrip("=")

    def read(self, text: str) -> RefreshToken:
        """See the port."""
        if not text.startswith(_PREFIX) or len(text) > _LENGTH or not text.isascii():
            raise InvalidTokenError
        body = text.removeprefix(_PREFIX)
        try:
            raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidTokenError from None
        place, mac = raw[: _PLACE.size], raw[_PLACE.size :]
        if not hmac.compare_digest(mac, self._mac(place)):
            raise InvalidTokenError
        tenant, session, generation = _PLACE.unpack(place)
        return RefreshToken(UUID(bytes=tenant), UUID(bytes=session), generation)

    def _mac(self, place: bytes) -> bytes:
        return hmac.new(self._key, place, hashlib.sha256).digest()
