"""Access tokens: JWTs signed with EdDSA."""

import time
from collections import OrderedDict
from uuid import UUID

import jwt
from jwt.types import Options

from commands.identity.access import Claims, InvalidTokenError
from infra.keys.ring import KeyRing
from infra.keys.signing import SigningKeys

ISSUER = "rapport"
_CACHED = 20_000
_OPTIONS: Options = {"require": ["exp", "iat", "sub", "iss"]}


class AccessTokens:
    """Issues and verifies; implements commands.identity.access.Tokens.

    Verifying costs 180 us, so tokens that were good are remembered until they expire: as they are, for whoever can read
    a process's memory finds the keys that sign them there.
    """

    def __init__(self, ring: KeyRing, ttl: int) -> None:
        self._ring = ring
        self._ttl = ttl
        self._under: SigningKeys = ring.keys
        self._known: OrderedDict[str, tuple[float, Claims]] = OrderedDict()

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
        key = self._ring.keys.signer(time.time())
        return jwt.encode(claims, key.private, "EdDSA", headers={"kid": key.kid, "typ": "at+jwt"}), self._ttl

    async def verify(self, token: str) -> Claims:
        """What the token says.

        Raises:
            InvalidTokenError: it is not ours, was changed, or has expired (`expired` tells).
            StoreUnavailableError: the key that it names is not known here, and can't be looked for.
        """
        if self._under is not self._ring.keys:
            # Other keys: one of those that tokens were verified with may have been retired before its time.
            self._known.clear()
            self._under = self._ring.keys
        if known := self._known.get(token):
            expires, said = known
            if time.time() < expires:
                return said
            del self._known[token]
        try:
            key = await self._ring.find(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise InvalidTokenError
            claims = jwt.decode(token, key.public, ["EdDSA"], issuer=ISSUER, options=_OPTIONS)
            said = Claims(UUID(claims["tid"]), UUID(claims["sub"]), UUID(claims["sid"]), int(claims["epoch"]))
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError(expired=True) from None
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError):
            raise InvalidTokenError from None
        self._known[token] = (min(claims["exp"], key.retires_at), said)
        if len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return said
