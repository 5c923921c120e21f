"""Keys that sign access tokens: Ed25519, kept in Postgres, the private part sealed by the installation's secret.

Each is in the JWKS as soon as it is stored, so that whoever verifies tokens knows it before it signs; it signs from a
later time on until another does, and stays in the JWKS until the last token that it signed has expired (turns.py).
"""

import base64
import hashlib
import os
from typing import Any, LiteralString

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import Struct

from infra.postgres import Pool
from infra.secret import Secret

_NONCE = 12
FOREVER = float("inf")


class SigningKey(Struct, frozen=True):
    """A key; times in seconds since 1970."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    signs_from: float
    retires_at: float = FOREVER


class SigningKeys(Struct, frozen=True):
    """Every key that tokens may be verified with, by the time from which it signs."""

    keys: tuple[SigningKey, ...]

    def signer(self, now: float) -> SigningKey:
        """The key that signs now."""
        begun = [key for key in self.keys if key.signs_from <= now]
        return begun[-1] if begun else self.keys[0]

    def find(self, kid: str, now: float) -> SigningKey | None:
        """A key that is not retired."""
        return next((key for key in self.keys if key.kid == kid and now < key.retires_at), None)

    def jwks(self, now: float) -> dict[str, Any]:
        """The public keys as a JWK set (RFC 7517, RFC 8037)."""
        return {"keys": [_jwk(key) for key in self.keys if now < key.retires_at]}

    @property
    def turns(self) -> list[tuple[str, float, float]]:
        """What tells these keys from others."""
        return [(key.kid, key.signs_from, key.retires_at) for key in self.keys]


async def load_signing_keys(pool: Pool, secret: Secret) -> SigningKeys:
    """The installation's keys; the first one is made when there is none.

    Raises:
        cryptography.exceptions.InvalidTag: they were sealed with another secret, or put there by somebody else.
    """
    async with pool.connection() as connection:
        rows = await (await connection.execute(_KEYS)).fetchall()
        if not rows:
            await connection.execute(_ADD, new_row(secret))
            rows = await (await connection.execute(_KEYS)).fetchall()
    return SigningKeys(tuple(_opened(secret, *row) for row in rows))


_KEYS: LiteralString = """
SELECT kid, private_key, extract(epoch FROM signs_from)::float8, extract(epoch FROM retires_at)::float8
  FROM ops.signing_key WHERE retires_at IS NULL OR retires_at > now() ORDER BY signs_from, kid
"""
_ADD: LiteralString = "INSERT INTO ops.signing_key (kid, private_key) VALUES (%s, %s)"


def new_row(secret: Secret) -> tuple[str, bytes]:
    """A fresh key: its id and its sealed private part."""
    key = Ed25519PrivateKey.generate()
    kid, nonce = _kid(key), os.urandom(_NONCE)
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return kid, nonce + _seal(secret).encrypt(nonce, private, kid.encode())


def _opened(secret: Secret, kid: str, sealed: bytes, signs_from: float, retires_at: float | None) -> SigningKey:
    # The public key is derived from what only this installation can have sealed: nobody adds one to forge tokens with.
    private = Ed25519PrivateKey.from_private_bytes(
        _seal(secret).decrypt(sealed[:_NONCE], sealed[_NONCE:], kid.encode())
    )
    return SigningKey(kid, private, private.public_key(), signs_from, FOREVER if retires_at is None else retires_at)


def _seal(secret: Secret) -> AESGCM:
    return AESGCM(secret.key("signing-keys"))


def _kid(key: Ed25519PrivateKey) -> str:
    return _base64url(hashlib.sha256(_raw(key.public_key())).digest()[:12])


def _jwk(key: SigningKey) -> dict[str, str]:
    x = _base64url(_raw(key.public))
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.kid, "x": x}


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
