"""Tokens that go out by mail: good once, for a while, and known to the log by their digest alone."""

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

from msgspec import Struct

from domain.user import Link

_PREFIX = "rl_"
_PLACE = 32
_SECRET = 32


class LinkToken(Struct, frozen=True):
    """A token: the user whom it is about, and what only its holder knows."""

    tenant_id: UUID
    user_id: UUID
    secret: bytes

    def spell(self) -> str:
        """As it stands in the mail."""
        raw = self.tenant_id.bytes + self.user_id.bytes + self.secret
        return _PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @property
    def digest(self) -> str:
        """What is stored."""
        return hashlib.sha256(self.secret).hexdigest()

    def opens(self, link: Link | None) -> bool:
        """Whether it is the token of a link, whatever the time."""
        return link is not None and hmac.compare_digest(self.digest, link.digest)


def read(text: object) -> LinkToken | None:
    """A token from its spelling; None when it is none."""
    if not isinstance(text, str) or not text.startswith(_PREFIX) or not text.isascii() or len(text) > 2 * _PLACE + 64:
        return None
    body = text.removeprefix(_PREFIX)
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _PLACE + _SECRET:
        return None
    return LinkToken(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])
