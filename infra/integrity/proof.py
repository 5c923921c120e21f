"""The proof that one event is in the log, checked with nothing but the public key; docs/integrity.md has a recipe."""

import struct
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from infra.integrity import chain, merkle
from infra.integrity.chain import StoredEvent
from infra.integrity.keys import PublicKey
from infra.integrity.records import Checkpoint, Hash, Position, Time, is_signed_by


class InvalidProofError(Exception):
    """It proves nothing; the message says why."""


class ProvenEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """An event with everything that is hashed; `previous` is the hash of the event before it."""

    tenant: UUID
    position: Position
    stream: UUID
    version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    topic: str
    occurred_at: Time
    recorded_at: Time
    data: str
    metadata: str
    command: UUID
    previous: Hash


class Proof(Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag="rapport.proof.v1"):
    """An event, the way from its hash to a signed root, and the key that signed it (to be compared, not trusted)."""

    event: ProvenEvent
    path: tuple[Hash, ...]
    checkpoint: Checkpoint
    public_key: Hash


_decoder = msgspec.json.Decoder(Proof)


def prove(
    event: StoredEvent, previous: bytes, checkpoint: Checkpoint, hashes: Sequence[bytes], key: PublicKey
) -> bytes:
    """The proof as a file; `hashes` are those of the checkpoint's events.

    Raises:
        InvalidProofError: the log does not agree with the checkpoint, so there is nothing to prove.
        UnicodeDecodeError: data or metadata are no text.
    """
    beside = merkle.path(hashes, event.position - checkpoint.first)
    proof = Proof(
        event=ProvenEvent(
            tenant=event.tenant_id,
            position=event.position,
            stream=event.stream_id,
            version=event.version,
            topic=event.topic,
            occurred_at=event.occurred_at,
            recorded_at=event.recorded_at,
            data=event.data.decode(),
            metadata=event.metadata.decode(),
            command=event.command_id,
            previous=previous.hex(),
        ),
        path=tuple(each.hex() for each in beside),
        checkpoint=checkpoint,
        public_key=key.raw.hex(),
    )
    content = _file(proof)
    check(content, key)
    return content


def check(content: bytes, key: PublicKey) -> Proof:
    """The proof in a file, if it is one under this key: then the event was in the log when the checkpoint was signed.

    Raises:
        InvalidProofError: it isn't.
    """
    try:
        proof = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidProofError(f"the file holds no proof: {error}") from error
    # Nothing in the file may be other than it was written: neither blanks nor the case of a digit.
    if _file(proof) != content:
        raise InvalidProofError("the file is not as it was written")
    checkpoint, event = proof.checkpoint, proof.event
    if proof.public_key != key.raw.hex():
        raise InvalidProofError("the proof names another public key than the one given")
    if not is_signed_by(checkpoint, key):
        raise InvalidProofError("the checkpoint is not signed by this key")
    if event.tenant != checkpoint.tenant or not checkpoint.first <= event.position <= checkpoint.last:
        raise InvalidProofError("the checkpoint does not cover this event")
    size = checkpoint.last - checkpoint.first + 1
    beside = [bytes.fromhex(each) for each in proof.path]
    root = merkle.root_of_path(_hash(event), event.position - checkpoint.first, size, beside)
    if root is None or root.hex() != checkpoint.root:
        raise InvalidProofError("the event is not the one that was in the log")
    return proof


def _file(proof: Proof) -> bytes:
    return msgspec.json.encode(proof) + b"\n"


def _hash(event: ProvenEvent) -> bytes:
    was = StoredEvent(
        event.tenant,
        event.position,
        event.stream,
        event.version,
        event.topic,
        event.occurred_at,
        event.recorded_at,
        event.data.encode(),
        event.metadata.encode(),
        event.command,
    )
    try:
        return chain.link(bytes.fromhex(event.previous), chain.fields(was))
    except (UnicodeEncodeError, struct.error) as error:
        raise InvalidProofError(f"the event is none that a log could hold: {error}") from error
