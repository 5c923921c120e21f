"""The bytes of docs/integrity.md, by hand."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from infra.integrity.chain import GENESIS, fields, link, microseconds
from tests.infra.integrity.made import event

FIRST = (
    "00000010019b0000000070008000000000000001"
    "000000080000000000000001"
    "00000010019b0000000070008000000000000002"
    "0000000400000001"
    "00000015636f6e746163742e726567697374657265642e7631"
    "00000008000649e38b7142c0"
    "00000008000649e38b808500"
    "0000000e7b226e616d65223a22416461227d"
    "000000197b22636f7272656c6174696f6e5f6964223a2274657374227d"
    "00000010019b0000000070008000000000000004"
)  # fmt: skip
BEGIN = "00000010" + b"rapport.event.v1".hex() + "00000020" + "00" * 32


def test_every_field_stands_after_its_length() -> None:
    assert fields(event()).hex() == FIRST


def test_the_first_hash_follows_thirty_two_zeros() -> None:
    assert link(GENESIS, fields(event())) == hashlib.sha256(bytes.fromhex(BEGIN + FIRST)).digest()


def test_a_time_is_counted_in_microseconds_wherever_its_clock_stands() -> None:
    assert microseconds(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == -1
    assert microseconds(datetime(2262, 4, 11, 1, tzinfo=timezone(timedelta(hours=1)))) == 9_223_286_400_000_000
    assert microseconds(datetime.max.replace(tzinfo=UTC)) == 253_402_300_799_999_999


@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(0, 40))
def test_no_two_events_are_hashed_alike(data: bytes, metadata: bytes, cut: int) -> None:
    """What moves over the border between two fields is another event."""
    whole = data + metadata
    one = structs.replace(event(), data=data, metadata=metadata)
    other = structs.replace(event(), data=whole[:cut], metadata=whole[cut:])
    assert (fields(one) == fields(other)) == (one == other)
