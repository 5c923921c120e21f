"""The installation's one secret, and every key that is derived from it."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

BYTES = 32


class DamagedSecretError(Exception):
    """The file of the secret was cut off or emptied; nothing that it protects can be read without it."""


class Secret:
    """Derives independent keys from one root secret, each for one purpose (RFC 5869)."""

    def __init__(self, root: bytes) -> None:
        if len(root) < BYTES:
            raise ValueError(f"the secret needs at least {BYTES} bytes")
        self._root = root

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose; the same purpose always gives the same key."""
        return HKDF(algorithm=SHA256(), length=BYTES, salt=None, info=f"rapport/{purpose}".encode()).derive(self._root)

    def password(self, purpose: str) -> str:
        """A key in characters that need no quoting in a URL."""
        return base64.urlsafe_b64encode(self.key(purpose)).decode().rstrip("=")

    def hmac(self, purpose: str, value: bytes) -> bytes:
        """HMAC-SHA-256 of a value under the key of a purpose."""
        return hmac.new(self.key(purpose), value, hashlib.sha256).digest()


def secret_from(text: str) -> Secret:
    """The secret that a setting gives in base64 or hex, or as any text of 32 characters and more.

    Raises:
        ValueError: it is shorter than 32 bytes.
    """
    return Secret(text.encode())


def secret_in(folder: Path) -> Secret:
    """The secret kept in a data folder, made there the first time (mode 0600).

    Raises:
        OSError: the folder can't be written.
        DamagedSecretError: the file holds none.
    """
    file = folder / "secrets" / "root"
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_text(secrets.token_urlsafe(48))
        fresh.chmod(0o600)
        # link() fails when another process was first, so that both use the same secret.
        try:
            os.link(fresh, file)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    try:
        return secret_from(file.read_text().strip())
    except ValueError as error:
        raise DamagedSecretError(f"{file} holds no secret: {error}") from error
