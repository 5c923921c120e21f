"""Merkle trees against the published vectors of certificate-transparency, and against RFC 6962's own definition. B4."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.integrity.merkle import Tree, path, root, root_of_path

ENTRIES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATH_OF_THE_FIRST_OF_EIGHT = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
PATH_OF_THE_SIXTH_OF_EIGHT = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]

lists = st.lists(st.binary(max_size=4), min_size=1, max_size=70)


def by_definition(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if len(entries) == 0:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return hashlib.sha256(b"\1" + by_definition(entries[:half]) + by_definition(entries[half:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root(ENTRIES[:size]).hex() == ROOTS[size]


def test_paths_are_the_published_ones() -> None:
    assert [each.hex() for each in path(ENTRIES, 0)] == PATH_OF_THE_FIRST_OF_EIGHT
    assert [each.hex() for each in path(ENTRIES, 5)] == PATH_OF_THE_SIXTH_OF_EIGHT


@given(lists)
def test_a_root_is_what_the_definition_says(entries: list[bytes]) -> None:
    assert root(entries) == by_definition(entries)


def test_a_tree_can_be_asked_at_any_time() -> None:
    tree = Tree()
    for size, entry in enumerate(ENTRIES):
        assert tree.root().hex() == ROOTS[size]
        tree.add(entry)


@given(lists, st.data())
def test_every_path_leads_to_the_root(entries: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    assert root_of_path(entries[index], index, len(entries), path(entries, index)) == root(entries)


@given(lists, st.data())
def test_a_path_leads_there_from_its_own_entry_and_place_only(entries: list[bytes], data: st.DataObject) -> None:
    distinct = [number.to_bytes(2, "big") + entry for number, entry in enumerate(entries)]
    index = data.draw(st.integers(0, len(distinct) - 1))
    other = data.draw(st.integers(-2, len(distinct) + 2))
    beside, size = path(distinct, index), len(distinct)
    if other != index:
        assert root_of_path(distinct[index], other, size, beside) != root(distinct)
    assert root_of_path(b"else", index, size, beside) != root(distinct)
    assert root_of_path(distinct[index], index, size, [*beside, bytes(32)]) is None
    if beside:
        assert root_of_path(distinct[index], index, size, beside[:-1]) is None


def test_there_is_no_path_from_outside() -> None:
    for index in (-1, 8):
        with pytest.raises(IndexError):
            path(ENTRIES, index)
