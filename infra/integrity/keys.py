"""The key that signs checkpoints, and whose public half is all that an outsider needs."""

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from infra.secret import Secret

_PURPOSE = "checkpoints/1"
_KID_BYTES = 12


class PublicKey:
    """Verifies what was signed."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        digest = hashlib.sha256(self.raw).digest()[:_KID_BYTES]
        self.kid = base64.urlsafe_b64encode(digest).decode()

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Whether the signature is this key's, over these bytes (RFC 8032)."""
        try:
            self._key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        """As `openssl` reads it (SubjectPublicKeyInfo, RFC 8410)."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class SigningKey:
    """Signs checkpoints.

    It is derived from the installation's secret, so it is in no database: who can write to that can't sign, and a
    restored copy needs no key of its time.
    """

    def __init__(self, secret: Secret) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret.key(_PURPOSE))
        self.public = PublicKey(self._key.public_key())

    def sign(self, content: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(content)


def public_key(raw: bytes) -> PublicKey:
    """The key in 32 bytes.

    Raises:
        ValueError: they are none.
    """
    return PublicKey(Ed25519PublicKey.from_public_bytes(raw))


def public_key_from_pem(pem: bytes) -> PublicKey:
    """The key in a PEM file.

    Raises:
        ValueError: it holds no Ed25519 key.
    """
    key = load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is not an Ed25519 key")  # noqa: TRY004  a wrong value, not a wrong call
    return PublicKey(key)
