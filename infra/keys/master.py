"""The master key, which wraps the tenants' keys: the one key that is not in the database."""

import hashlib
import os
from collections.abc import Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.secret import Secret

_NONCE = 12


class UnknownMasterError(LookupError):
    """A tenant's key was wrapped by a master key that this process was not given, or was changed since."""


class Master(Protocol):
    """Wraps and unwraps. May take its time (a key management service): it is called in a thread."""

    @property
    def current(self) -> str:
        """The name of the master key that wraps now."""
        ...

    def wrap(self, key: bytes, label: bytes) -> tuple[str, bytes]:
        """The name of the master key that wrapped it, and the wrapped key; `label` has to be given again."""
        ...

    def unwrap(self, master: str, wrapped: bytes, label: bytes) -> bytes:
        """The key.

        Raises:
            UnknownMasterError: there is no such master key here, or it did not wrap this key under this label.
        """
        ...


class LocalMaster:
    """Master keys in memory: the first one wraps, all of them unwrap. Each goes by a fingerprint of itself."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        names = [_fingerprint(key) for key in keys]
        self._boxes = {name: AESGCM(key) for name, key in zip(names, keys, strict=True)}
        self._current = names[0]

    @property
    def current(self) -> str:
        """See the port."""
        return self._current

    def wrap(self, key: bytes, label: bytes) -> tuple[str, bytes]:
        """See the port."""
        nonce = os.urandom(_NONCE)
        return self._current, nonce + self._boxes[self._current].encrypt(nonce, key, label)

    def unwrap(self, master: str, wrapped: bytes, label: bytes) -> bytes:
        """See the port."""
        try:
            return self._boxes[master].decrypt(wrapped[:_NONCE], wrapped[_NONCE:], label)
        except KeyError:
            raise UnknownMasterError(f"master key {master} is needed: set it with RAPPORT_MASTER_KEY") from None
        except InvalidTag:
            raise UnknownMasterError(f"what master key {master} should have wrapped was changed") from None


def local_master(*secrets: Secret) -> LocalMaster:
    """Master keys derived from secrets, the one to wrap with first."""
    return LocalMaster([secret.key("master-key") for secret in secrets])


def _fingerprint(key: bytes) -> str:
    return hashlib.sha256(b"rapport/master-key\0" + key).hexdigest()[:16]
