"""Arrays as Postgres takes them in binary: to adapt each element by itself takes longer than all else of an append."""

from collections.abc import Sequence

_BOOLEAN, _BYTEA, _INTEGER, _TEXT, _TIMESTAMPTZ, _UUID = 16, 17, 23, 25, 1184, 2950


def booleans(values: Sequence[bool]) -> bytes:
    """A boolean[]."""
    return _fixed(_BOOLEAN, 1, [b"\1" if value else b"\0" for value in values])


def integers(values: Sequence[int]) -> bytes:
    """An integer[]."""
    return _fixed(_INTEGER, 4, [value.to_bytes(4, signed=True) for value in values])


def uuids(values: Sequence[bytes]) -> bytes:
    """A uuid[], of 16 bytes each."""
    return _fixed(_UUID, 16, values)


def times(values: Sequence[bytes]) -> bytes:
    """A timestamptz[], of 8 bytes each: microseconds since 2000."""
    return _fixed(_TIMESTAMPTZ, 8, values)


def texts(values: Sequence[bytes]) -> bytes:
    """A text[], in UTF-8."""
    return _varying(_TEXT, values)


def byteas(values: Sequence[bytes]) -> bytes:
    """A bytea[]."""
    return _varying(_BYTEA, values)


def _fixed(kind: int, size: int, values: Sequence[bytes]) -> bytes:
    length = size.to_bytes(4)
    return length.join((_head(kind, len(values)), *values))


def _varying(kind: int, values: Sequence[bytes]) -> bytes:
    parts = [_head(kind, len(values))]
    for value in values:
        parts += (len(value).to_bytes(4), value)
    return b"".join(parts)


def _head(kind: int, count: int) -> bytes:
    """One dimension, no NULL, the type, and how many from 1."""
    return b"".join(number.to_bytes(4) for number in (1, 0, kind, count, 1))
