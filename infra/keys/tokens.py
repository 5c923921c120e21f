"""Access tokens: JWTs signed with EdDSA."""

import hashlib
import time
from collections import OrderedDict
from uuid import UUID

import jwt

from commands.access import Claims, InvalidTokenError
from infra.keys.signing import SigningKeys

ISSUER = "rapport"
_CACHED = 20_000


class AccessTokens:
    """Issues and verifies; implements commands.access.Tokens.

    Verifying costs 180 us, so tokens that were good are remembered by digest until they expire.
    """

    def __init__(self, keys: SigningKeys, ttl: int) -> None:
        self._keys = keys
        self._ttl = ttl
        self._known: OrderedDict[bytes, tuple[float, Claims]] = OrderedDict()

    def issue(self, said: Claims) -> tuple[str, int]:
        """A token and the seconds that it lives."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": str(said.user_id),
            "tid": str(said.tenant_id),
            "sid": str(said.session_id),
            "epoch": said.epoch,
            "iat": now,
            "exp": now + self._ttl,
        }
        return jwt.encode(
            claims, self._keys.private, "EdDSA", headers={"kid": self._keys.kid, "typ": "at+jwt"}
        ), self._ttl

    def verify(self, token: str) -> Claims:
        """What the token says.

        Raises:
            InvalidTokenError: it is not ours, was changed, or has expired (`expired` tells).
        """
        digest = hashlib.sha256(token.encode()).digest()
        if known := self._known.get(digest):
            expires, said = known
            if time.time() < expires:
                return said
            del self._known[digest]
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            key = self._keys.public.get(kid)
            if key is None:
                raise InvalidTokenError
            claims = jwt.decode(token, key, ["EdDSA"], issuer=ISSUER, options={"require": ["exp", "iat", "sub", "iss"]})
            said = Claims(UUID(claims["tid"]), UUID(claims["sub"]), UUID(claims["sid"]), int(claims["epoch"]))
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError(expired=True) from None
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError):
            raise InvalidTokenError from None
        self._known[digest] = (claims["exp"], said)
        if len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return said
