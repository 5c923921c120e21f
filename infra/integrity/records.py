"""What is signed and kept outside the database: checkpoints of the chain, and restores that cut it.

docs/integrity.md has the bytes that are signed. Positions count a tenant's events from 1.
"""

import struct
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, field, structs

from infra.integrity.chain import microseconds, prefixed
from infra.integrity.keys import PublicKey, SigningKey

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""32 bytes in hex."""

Signature = Annotated[str, Meta(pattern="^([0-9a-f]{128})?$")]
Position = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Time = Annotated[datetime, Meta(tz=True)]


class Checkpoint(Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag="rapport.checkpoint.v1"):
    """A tenant's events from `first` to `last`: the Merkle root of their hashes, and the hash of the last one."""

    incarnation: UUID
    tenant: UUID
    first: Position = field(name="from")
    last: Position = field(name="to")
    chain: Hash
    root: Hash
    time: Time
    kid: str
    signature: Signature = ""

    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return prefixed(
            b"rapport.checkpoint.v1",
            self.incarnation.bytes,
            self.tenant.bytes,
            _int64(self.first),
            _int64(self.last),
            bytes.fromhex(self.chain),
            bytes.fromhex(self.root),
            _int64(microseconds(self.time)),
            self.kid.encode(),
        )


class Restored(Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag="rapport.restored.v1"):
    """A tenant's log was found to end at `position` (0: empty), though a checkpoint to `lost` had been signed.

    What was between belongs to an earlier incarnation; positions after `position` are used anew.
    """

    incarnation: UUID
    tenant: UUID
    position: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    lost: Position
    chain: Hash
    time: Time
    kid: str
    signature: Signature = ""

    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return prefixed(
            b"rapport.restored.v1",
            self.incarnation.bytes,
            self.tenant.bytes,
            _int64(self.position),
            _int64(self.lost),
            bytes.fromhex(self.chain),
            _int64(microseconds(self.time)),
            self.kid.encode(),
        )

    def explains(self, checkpoint: Checkpoint) -> bool:
        """Whether what the checkpoint speaks of was lost in this restore."""
        return (
            checkpoint.tenant == self.tenant
            and checkpoint.last > self.position
            and checkpoint.incarnation != self.incarnation
            and checkpoint.time <= self.time
        )


Record = Checkpoint | Restored
R = TypeVar("R", Checkpoint, Restored)

_decoder = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()


def sign(record: R, key: SigningKey) -> R:
    """The record with its signature; its `kid` must be the key's."""
    return structs.replace(record, signature=key.sign(record.signed()).hex())


def is_signed_by(record: Record, key: PublicKey) -> bool:
    """Whether the record is as the key has signed it."""
    return record.kid == key.kid and key.verifies(bytes.fromhex(record.signature), record.signed())


def to_lines(records: Sequence[Record]) -> bytes:
    """JSON Lines."""
    return b"".join(_encoder.encode(record) + b"\n" for record in records)


def from_lines(lines: bytes) -> Iterator[Record]:
    """The records in JSON Lines.

    Raises:
        msgspec.DecodeError: a line is no record.
    """
    for line in lines.splitlines():
        yield _decoder.decode(line)


def _int64(number: int) -> bytes:
    return struct.pack(">q", number)
