"""Merkle trees of RFC 6962, section 2.1: the root of a list, and the path that proves that an entry is in it."""

import hashlib
from collections.abc import Sequence


def leaf(entry: bytes) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(b"\0" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """Takes entries one by one and keeps no more than a hash for each doubling of their number."""

    def __init__(self) -> None:
        self._size = 0
        self._complete: list[bytes] = []

    def add(self, entry: bytes) -> None:
        """Append an entry."""
        node, rest = leaf(entry), self._size
        while rest & 1:
            node = _node(self._complete.pop(), node)
            rest >>= 1
        self._complete.append(node)
        self._size += 1

    def root(self) -> bytes:
        """The hash of all entries so far."""
        if not self._complete:
            return hashlib.sha256(b"").digest()
        *larger, node = self._complete
        for left in reversed(larger):
            node = _node(left, node)
        return node


def root(entries: Sequence[bytes]) -> bytes:
    """The hash of a list."""
    tree = Tree()
    for entry in entries:
        tree.add(entry)
    return tree.root()


def path(entries: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from an entry to the root, from the bottom.

    Raises:
        IndexError: the list has no such entry.
    """
    if not 0 <= index < len(entries):
        raise IndexError(index)
    level, found = [leaf(entry) for entry in entries], []
    while len(level) > 1:
        if (beside := index ^ 1) < len(level):
            found.append(level[beside])
        # A node without a neighbour goes up as it is.
        level = [_node(*level[n : n + 2]) if n + 1 < len(level) else level[n] for n in range(0, len(level), 2)]
        index >>= 1
    return found


def root_of_path(entry: bytes, index: int, size: int, beside: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to; None when no list of `size` has such a path (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    node, last, left = leaf(entry), size - 1, list(beside)
    while last:
        if index & 1 or index < last:
            if not left:
                return None
            node = _node(left[0], node) if index & 1 else _node(node, left[0])
            del left[0]
        index >>= 1
        last >>= 1
    return None if left else node
