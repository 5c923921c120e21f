"""Personal members of a JSON object, sealed one by one: what is stored in their place, and how they come back.

docs/encryption.md has the format byte for byte.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Raw, Struct

from infra.keys.wrapping import DataKey

_NONCE = 12
_FORMAT = b"rapport/sealed/1\0"

_encoder = msgspec.json.Encoder()
_members = msgspec.json.Decoder(dict[str, Raw])


class BrokenSealError(ValueError):
    """A sealed member was changed, or stands where it was not sealed."""


class Sealed(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What stands in place of a personal value: key id, nonce, and ciphertext with its tag, each in base64."""

    k: bytes
    n: bytes
    c: bytes


_sealed = msgspec.json.Decoder(Sealed)


class Shape:
    """Which members of one kind of object are personal, and their blanks. `label` names the kind for ever."""

    def __init__(self, label: str, blanks: Mapping[str, Any]) -> None:
        head = _FORMAT + label.encode() + b"\0"
        self.endings = {name: head + name.encode() for name in blanks}
        self.blanks = {name: Raw(_encoder.encode(blank)) for name, blank in blanks.items()}


def members(data: bytes) -> dict[str, Any]:
    """The members of an object, each as its JSON."""
    return _members.decode(data)


def seal(shape: Shape, found: dict[str, Any], place: bytes, key: DataKey) -> bytes:
    """The object with its personal members sealed, as JSON; `found` is what `members` gave, and is used up.

    `place` says where the object belongs; what is sealed opens nowhere else.
    """
    endings, encrypt, key_id, before = shape.endings, key.box.encrypt, key.id, place + key.id
    for name, plain in found.items():
        if name in endings:
            nonce = _nonce()
            found[name] = Sealed(key_id, nonce, encrypt(nonce, plain, before + endings[name]))
    return _encoder.encode(found)


def unseal(shape: Shape, data: bytes, place: bytes, find: Callable[[bytes], AESGCM | None]) -> tuple[bytes, bool]:
    """The object as it was, and whether something in it is blank because its key (`find` gives None) was destroyed.

    Raises:
        BrokenSealError: it was changed or moved, or a personal member is not sealed.
    """
    found, endings, erased = _members.decode(data), shape.endings, False
    known: bytes | None = None
    box: AESGCM | None = None
    for name, raw in found.items():
        if name not in endings:
            continue
        try:
            sealed = _sealed.decode(raw)
            if sealed.k != known:
                known, box = sealed.k, find(sealed.k)
            if box is None:
                found[name], erased = shape.blanks[name], True
            else:
                found[name] = Raw(box.decrypt(sealed.n, sealed.c, place + sealed.k + endings[name]))
        except (InvalidTag, ValueError):
            raise BrokenSealError(f"the seal of {name} is broken") from None
    return _encoder.encode(found), erased


_NONCES_AT_ONCE = 256
_nonces: list[bytes] = []


def _nonce() -> bytes:
    """A random one. Drawn by the hundred: a call of the kernel costs as much as the encryption itself."""
    if not _nonces:
        random = os.urandom(_NONCE * _NONCES_AT_ONCE)
        _nonces.extend(random[start : start + _NONCE] for start in range(0, len(random), _NONCE))
    return _nonces.pop()


# Two processes must never use the same ones.
os.register_at_fork(after_in_child=_nonces.clear)
