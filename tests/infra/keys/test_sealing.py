"""B3: what is sealed opens where it was sealed, with the key that it was sealed with, and nowhere else."""

import base64
import os
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from infra.keys import sealing
from infra.keys.sealing import BrokenSealError, Shape
from infra.keys.wrapping import DataKey

SHAPE = Shape("letter.written.v1", {"author": "", "readers": [], "title": None})
PLACE = b"p" * 36
KEY = DataKey(b"k" * 9, b"s" * 32)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
objects = st.dictionaries(st.sampled_from(["author", "readers", "title", "pages", "id", "k"]) | st.text(), values)


def sealed(data: dict[str, Any], place: bytes = PLACE, shape: Shape = SHAPE, key: DataKey = KEY) -> dict[str, Any]:
    """What is stored, read as JSON."""
    found: dict[str, Any] = msgspec.json.decode(sealed_bytes(data, place, shape, key))
    return found


def sealed_bytes(data: dict[str, Any], place: bytes = PLACE, shape: Shape = SHAPE, key: DataKey = KEY) -> bytes:
    return sealing.seal(shape, sealing.members(msgspec.json.encode(data)), place, key)


def unsealed(stored: Any, place: bytes = PLACE, shape: Shape = SHAPE, box: AESGCM | None = KEY.box) -> Any:
    data, erased = sealing.unseal(shape, msgspec.json.encode(stored), place, lambda _: box)
    assert not erased
    return msgspec.json.decode(data)


@given(objects)
def test_what_was_sealed_comes_back(data: dict[str, Any]) -> None:
    assert unsealed(sealed(data)) == data


@given(objects)
def test_what_is_not_personal_is_stored_as_it_is_and_the_rest_has_one_seal(data: dict[str, Any]) -> None:
    stored = sealed(data)
    assert stored.keys() == data.keys()
    personal = {name: value for name, value in data.items() if name in SHAPE.blanks}
    assert {name: value for name, value in stored.items() if name not in personal} == {
        name: value for name, value in data.items() if name not in personal
    }
    for number, name in enumerate(personal):
        assert stored[name].keys() == (set() if number else {"k", "n", "c"})
    if personal:
        seal = stored[next(iter(personal))]
        assert base64.b64decode(seal["k"], validate=True) == KEY.id
        assert len(base64.b64decode(seal["n"], validate=True)) == 12
        plain = msgspec.json.encode(personal if len(personal) > 1 else next(iter(personal.values())))
        assert len(base64.b64decode(seal["c"], validate=True)) == len(plain) + 16


def test_nothing_of_a_value_is_left_in_what_is_stored() -> None:
    data = {"author": "Ada Lovelace", "readers": ["Grace Hopper"], "title": "Countess", "pages": 7}
    stored = sealed_bytes(data)
    assert not [word for word in (b"Ada", b"Lovelace", b"Grace", b"Countess") if word in stored]


def test_the_same_value_is_never_sealed_alike() -> None:
    stored = [sealed({"author": "Ada", "title": "Ada"})["author"] for _ in range(1000)]
    assert len({each["n"] for each in stored}) == len({each["c"] for each in stored}) == 1000


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_two_processes_that_were_one_do_not_share_nonces() -> None:
    """A nonce that is used twice under a key gives both values away."""
    sealing._nonces.clear()
    sealed({"author": "Ada"})
    assert len(sealing._nonces) > 100
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # nothing but this: the child has the test run's threads and files
        os.write(writing, b"".join(sealing._nonce() for _ in range(100)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 1200)
    os.close(reading)
    os.close(writing)
    assert len(theirs) == 1200
    mine = {sealing._nonce() for _ in range(600)}
    assert mine.isdisjoint({theirs[start : start + 12] for start in range(0, 1200, 12)})


@given(st.text())
def test_a_value_under_another_name_is_refused(author: str) -> None:
    with pytest.raises(BrokenSealError):
        unsealed({"title": sealed({"author": author})["author"]})


@pytest.mark.parametrize("taken", [["author"], ["readers", "title"]], ids=["the seal", "all but the seal"])
def test_nothing_can_be_taken_out_of_a_seal(taken: list[str]) -> None:
    stored = sealed({"author": "Ada", "readers": ["Grace"], "title": "Countess", "pages": 7})
    with pytest.raises(BrokenSealError):
        unsealed({name: value for name, value in stored.items() if name not in taken})


@pytest.mark.parametrize("pages", [{}, {"pages": 7}], ids=["only personal members", "others too"])
def test_what_is_read_is_what_the_seal_holds_whatever_else_is_marked_as_sealed(pages: dict[str, Any]) -> None:
    data = {"author": "Ada", "title": "Countess", **pages}
    assert unsealed(sealed(data) | {"readers": {}}) == data
    stored = sealed({"readers": [], **data})
    del stored["title"]
    assert unsealed(stored) == {"readers": [], **data}


@pytest.mark.parametrize("added", ["Grace", None, [], 7, {"k": "", "n": "", "c": ""}])
def test_a_value_beside_several_that_were_sealed_together_is_refused(added: Any) -> None:
    for data in ({"author": "Ada", "title": "Countess"}, {"author": "Ada", "title": "Countess", "pages": 7}):
        with pytest.raises(BrokenSealError):
            unsealed(sealed(data) | {"readers": added})


@pytest.mark.parametrize(
    ("stored", "data"),
    [
        (
            # As they were stored when each had a seal of its own.
            b"""{"author":{"k":"a2tra2tra2tr","n":"bW1tbW1tbW1tbW1t","c":"uYGalPPGCaF9FcUtQchejqzrvuFZ"},"pages":7,
                "title":{"k":"a2tra2tra2tr","n":"bm5ubm5ubm5ubm5u","c":"2INL/Ow351dFrhJ/0f1wXxuGSGDXpiE4Qds="}}""",
            {"author": "Ada", "pages": 7, "title": "Countess"},
        ),
        (
            b'{"author":{"k":"a2tra2tra2tr","n":"bW1tbW1tbW1tbW1t","c":"uYGalPPGCaF9FcUtQchejqzrvuFZ"},"pages":7}',
            {"author": "Ada", "pages": 7},
        ),
        (
            b"""{"author":{"k":"a2tra2tra2tr","n":"bW1tbW1tbW1tbW1t",
                "c":"4OKfgKWM7QZTrBB0JoU9gYBtqqLmg7gs5YCXjlTTglaTHEMU2g0QpvhOXihCJ2lLXbPH"},"pages":7,"title":{}}""",
            {"author": "Ada", "pages": 7, "title": "Countess"},
        ),
    ],
    ids=["each by itself", "one alone", "together"],
)
def test_what_was_ever_stored_is_opened(stored: bytes, data: dict[str, Any]) -> None:
    opened, erased = sealing.unseal(SHAPE, stored, PLACE, lambda _: KEY.box)
    assert (msgspec.json.decode(opened), erased) == (data, False)
    opened, erased = sealing.unseal(SHAPE, stored, PLACE, lambda _: None)
    blank = {"author": "", "title": None}
    assert (msgspec.json.decode(opened), erased) == (data | {name: blank[name] for name in blank if name in data}, True)


@given(st.integers(0, 35), st.integers(1, 255))
def test_a_value_in_another_place_is_refused(byte: int, change: int) -> None:
    """Another tenant, stream or version: each is in some byte of the place."""
    elsewhere = bytearray(PLACE)
    elsewhere[byte] ^= change
    with pytest.raises(BrokenSealError):
        unsealed(sealed({"author": "Ada"}), place=bytes(elsewhere))


def test_a_value_in_another_kind_of_object_is_refused() -> None:
    other = Shape("letter.sent.v1", {"author": ""})
    with pytest.raises(BrokenSealError):
        unsealed(sealed({"author": "Ada"}), shape=other)


def test_another_key_is_refused() -> None:
    with pytest.raises(BrokenSealError):
        unsealed(sealed({"author": "Ada"}), box=AESGCM(b"t" * 32))
    # The same key under another id: what was sealed says by which it is opened.
    renamed = DataKey(b"l" * 9, KEY.key)
    stored, other = sealed({"author": "Ada"}), sealed({"author": "Ada"}, key=renamed)
    with pytest.raises(BrokenSealError):
        unsealed({"author": stored["author"] | {"k": other["author"]["k"]}})


@given(st.sampled_from(["n", "c"]), st.integers(0), st.integers(1, 255))
def test_a_changed_byte_is_refused(member: str, byte: int, change: int) -> None:
    stored = sealed({"author": "Ada Lovelace"})["author"]
    raw = bytearray(base64.b64decode(stored[member]))
    raw[byte % len(raw)] ^= change
    with pytest.raises(BrokenSealError):
        unsealed({"author": stored | {member: base64.b64encode(bytes(raw)).decode()}})


@pytest.mark.parametrize(
    "value",
    ["Ada", None, [], {}, 7, {"k": "", "n": "", "c": ""}, {"k": "a2tra2tra2tr", "n": "AAAA", "c": "AAAA"}, {"k": "!"}],
)
def test_a_personal_value_that_is_not_sealed_is_refused(value: Any) -> None:
    """Whoever can write to the table can't put words into anybody's mouth."""
    with pytest.raises(BrokenSealError):
        unsealed({"author": value})


@given(objects)
def test_once_the_key_is_destroyed_personal_members_are_blank(data: dict[str, Any]) -> None:
    found, erased = sealing.unseal(SHAPE, sealed_bytes(data), PLACE, lambda _: None)
    blank: dict[str, Any] = {"author": "", "readers": [], "title": None}
    assert msgspec.json.decode(found) == {name: blank.get(name, value) for name, value in data.items()}
    assert erased == (not blank.keys().isdisjoint(data))


def test_an_empty_key_id_does_not_pass_for_a_destroyed_key() -> None:
    asked: list[bytes] = []

    def find(key_id: bytes) -> AESGCM:
        asked.append(key_id)
        raise LookupError

    with pytest.raises(LookupError):
        sealing.unseal(SHAPE, b'{"author":{"k":"","n":"","c":""}}', PLACE, find)
    assert asked == [b""]
