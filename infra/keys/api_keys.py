"""API keys: place and secret under an HMAC, so that what was made up is refused without a look at the log."""

import base64
import binascii
import hashlib
import hmac
import secrets
from uuid import UUID

from commands.identity.access import InvalidTokenError, KeyClaims
from commands.identity.api_keys import PREFIX, Spelt

_SECRET = 32
_MAC = 8
_PLACE = 32
_LENGTH = len(PREFIX) + 4 * (_PLACE + _SECRET + _MAC) // 3
_SHOWN = len(PREFIX) + 12
"""What is shown of a key are the first bytes of its id: when it was made, and a little more. Nothing secret."""


class MacApiKeys:
    """Implements commands.identity.api_keys.ApiKeys. What makes a key good is its digest in the log."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, tenant_id: UUID, key_id: UUID) -> Spelt:
        """See the port."""
        secret = secrets.token_bytes(_SECRET)
        body = key_id.bytes + tenant_id.bytes + secret
        text = PREFIX + base64.urlsafe_b64encode(body + self._mac(body)).decode()
        return Spelt(text, text[:_SHOWN], _digest(secret))

    def read(self, text: str) -> KeyClaims:
        """See the port."""
        if not text.startswith(PREFIX) or len(text) != _LENGTH or not text.isascii():
            raise InvalidTokenError
        try:
            raw = base64.b64decode(text.removeprefix(PREFIX), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidTokenError from None
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise InvalidTokenError
        return KeyClaims(UUID(bytes=body[16:32]), UUID(bytes=body[:16]), _digest(body[_PLACE:]))

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:_MAC]


def _digest(secret: bytes) -> str:
    """Fast on purpose: nobody guesses 32 random bytes, however fast they are tried."""
    return hashlib.sha256(secret).hexdigest()
