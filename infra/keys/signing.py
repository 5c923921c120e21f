"""Keys that sign access tokens: Ed25519, kept in Postgres, the private part sealed by the installation's secret."""

import base64
import hashlib
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import Struct

from infra.postgres import Pool
from infra.secret import Secret

_NONCE = 12


class SigningKeys(Struct, frozen=True):
    """The key that signs now, and every public key that tokens may still be verified with, by key id."""

    kid: str
    private: Ed25519PrivateKey
    public: dict[str, Ed25519PublicKey]

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK set (RFC 7517, RFC 8037)."""
        return {
            "keys": [
                {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": _base64url(_raw(key))}
                for kid, key in self.public.items()
            ]
        }


async def load_signing_keys(pool: Pool, secret: Secret) -> SigningKeys:
    """The installation's keys; the first one is made when there is none.

    Raises:
        cryptography.exceptions.InvalidTag: they were sealed with another secret.
    """
    seal = AESGCM(secret.key("signing-keys"))
    async with pool.connection() as connection:
        rows = await (await connection.execute(_KEYS)).fetchall()
        if not rows:
            await connection.execute(_ADD, _new_row(seal))
            # Whoever was first: all processes use the oldest key that is not retired.
            rows = await (await connection.execute(_KEYS)).fetchall()
    kid, _, sealed, _ = rows[0]
    private = Ed25519PrivateKey.from_private_bytes(seal.decrypt(sealed[:_NONCE], sealed[_NONCE:], kid.encode()))
    return SigningKeys(kid, private, {row[0]: Ed25519PublicKey.from_public_bytes(row[1]) for row in rows})


_KEYS = """
SELECT kid, public_key, private_key, created_at FROM ops.signing_key WHERE retired_at IS NULL ORDER BY created_at, kid
"""
_ADD = "INSERT INTO ops.signing_key (kid, public_key, private_key) VALUES (%s, %s, %s)"


def _new_row(seal: AESGCM) -> tuple[str, bytes, bytes]:
    key = Ed25519PrivateKey.generate()
    public = _raw(key.public_key())
    kid = _base64url(hashlib.sha256(public).digest()[:12])
    nonce = os.urandom(_NONCE)
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return kid, public, nonce + seal.encrypt(nonce, private, kid.encode())


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
