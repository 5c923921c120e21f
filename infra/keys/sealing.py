"""Personal members of a JSON object, sealed together: what is stored in their place, and how they come back.

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
_ALONE = b"rapport/sealed/1\0"
_TOGETHER = b"rapport/sealed/2\0"

_encoder = msgspec.json.Encoder()
_members = msgspec.json.Decoder(dict[str, Raw])


class BrokenSealError(ValueError):
    """A sealed member was changed, or stands where it was not sealed."""


class Sealed(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What stands in place of personal values: key id, nonce, and ciphertext with its tag, each in base64."""

    k: bytes
    n: bytes
    c: bytes


_ALONG = Raw(b"{}")
"""What stands in place of a personal value that is sealed with the first one of its object."""

_sealed = msgspec.json.Decoder(Sealed)


class Shape:
    """Which members of one kind of object are personal, and their blanks. `label` names the kind for ever."""

    def __init__(self, label: str, blanks: Mapping[str, Any]) -> None:
        self.blanks = {name: Raw(_encoder.encode(blank)) for name, blank in blanks.items()}
        self.together = _TOGETHER + label.encode()
        self.alone = {name: _ALONE + label.encode() + b"\0" + name.encode() for name in blanks}
        """What binds a seal to the kind of object, and to the member if it is of one."""


def members(data: bytes) -> dict[str, Any]:
    """The members of an object, each as its JSON."""
    return _members.decode(data)


def seal(shape: Shape, found: dict[str, Any], place: bytes, key: DataKey) -> bytes:
    """The object with its personal members sealed, as JSON; `found` is what `members` gave, and is used up.

    `place` says where the object belongs; what is sealed opens nowhere else.
    """
    names = [name for name in found if name in shape.blanks]
    if names:
        first, ending = names[0], shape.together
        if len(names) == 1:
            plain, ending = found[first], shape.alone[first]
        elif len(names) == len(found):
            plain = _encoder.encode(found)
        else:
            plain = _encoder.encode({name: found[name] for name in names})
        for name in names:
            found[name] = _ALONG
        nonce = _nonce()
        found[first] = Sealed(key.id, nonce, key.box.encrypt(nonce, plain, place + key.id + ending))
    return _encoder.encode(found)


def unseal(shape: Shape, data: bytes, place: bytes, find: Callable[[bytes], AESGCM | None]) -> tuple[bytes, bool]:
    """The object as it was, and whether something in it is blank because its key (`find` gives None) was destroyed.

    Raises:
        BrokenSealError: it was changed or moved, or a personal member is not sealed.
    """
    found = _members.decode(data)
    names = [name for name in found if name in shape.blanks]
    try:
        if len(names) > 1 and found[names[1]] == _ALONG:
            return _unsealed_together(shape, found, names, place, find)
        return _unsealed_one_by_one(shape, found, names, place, find)
    except (InvalidTag, ValueError):
        raise BrokenSealError(f"a seal is broken, of {', '.join(names)}") from None


def _unsealed_together(
    shape: Shape, found: dict[str, Raw], names: list[str], place: bytes, find: Callable[[bytes], AESGCM | None]
) -> tuple[bytes, bool]:
    for name in names[1:]:
        if found[name] != _ALONG:
            raise ValueError(name)
    plain = _opened(found[names[0]], place, shape.together, find)
    if plain is None:
        return _encoder.encode(found | {name: shape.blanks[name] for name in names}), True
    if len(names) == len(found):
        return plain, False
    rest = {name: raw for name, raw in found.items() if name not in shape.blanks}
    return _encoder.encode(rest | _members.decode(plain)), False


def _unsealed_one_by_one(
    shape: Shape, found: dict[str, Raw], names: list[str], place: bytes, find: Callable[[bytes], AESGCM | None]
) -> tuple[bytes, bool]:
    """As all members were sealed once, and one that is the only personal member of its object still is."""
    erased = False
    for name in names:
        plain = _opened(found[name], place, shape.alone[name], find)
        if plain is None:
            erased = True
        found[name] = shape.blanks[name] if plain is None else Raw(plain)
    return _encoder.encode(found), erased


def _opened(raw: Raw, place: bytes, ending: bytes, find: Callable[[bytes], AESGCM | None]) -> bytes | None:
    """What a seal holds; None when its key was destroyed."""
    sealed = _sealed.decode(raw)
    box = find(sealed.k)
    return box.decrypt(sealed.n, sealed.c, place + sealed.k + ending) if box else None


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
