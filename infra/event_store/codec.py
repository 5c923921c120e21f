"""Between events and rows: topics, JSON, and the batch that `store.append` takes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

import domain.registry  # noqa: F401  every topic has to be known here
from commands.ports import Append, Claim
from domain.event import Event, Metadata, Recorded, decode
from infra.secret import Secret

COLUMNS = "tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at"
"""The columns of store.event in the order that `recorded` takes them."""

Row = tuple[UUID, int, UUID, int, str, bytes, bytes, UUID, datetime, datetime]

_encoder = msgspec.json.Encoder()
_metadata = msgspec.json.Decoder(Metadata)


def recorded(row: Sequence[Any]) -> Recorded[Event]:
    """The event in a row of store.event.

    Raises:
        UnknownTopicError: this code does not know the topic.
        msgspec.ValidationError: the data is not of the topic's type.
    """
    tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at = row
    return Recorded(
        tenant_id=tenant_id,
        position=position,
        stream_id=stream_id,
        version=version,
        event=decode(topic, data),
        metadata=_metadata.decode(metadata),
        command_id=command_id,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
    )


def claim_hmac(secret: Secret, tenant_id: UUID, kind: str, value: str) -> bytes:
    """What the claim table keeps of a unique value: its HMAC under the tenant's own key."""
    return secret.hmac(f"claim/{tenant_id}", f"{kind}\0{value}".encode())


def batch(appends: Sequence[Append], secret: Secret, key_ttl: str) -> bytes:
    """The JSON argument of `store.append`; `appends` are sorted by tenant."""
    events: list[dict[str, Any]] = []
    claims: list[dict[str, Any]] = []
    releases: list[dict[str, Any]] = []
    heads: list[dict[str, Any]] = []
    for number, append in enumerate(appends, start=1):
        heads.append(_head(append, key_ttl))
        metadata = _encoder.encode(append.metadata).decode()
        events.extend(
            {
                "a": number,
                "stream": stream.stream_id,
                "version": version,
                "first": version == stream.after + 1,
                "topic": event.TOPIC,
                "data": _encoder.encode(event).decode(),
                "metadata": metadata,
                "occurred_at": append.occurred_at,
            }
            for stream in append.streams
            for version, event in enumerate(stream.events, start=stream.after + 1)
        )
        claims.extend(_claim(number, claim, secret) for claim in append.claims)
        releases.extend(_claim(number, claim, secret) for claim in append.releases if claim not in append.claims)
    whole: dict[str, Any] = {"appends": heads, "events": events}
    if claims:
        whole["claims"] = claims
    if releases:
        whole["releases"] = releases
    return _encoder.encode(whole)


def _head(append: Append, key_ttl: str) -> dict[str, Any]:
    head: dict[str, Any] = {"tenant": append.tenant_id, "command": append.command_id}
    if append.key:
        head |= {
            "key": append.key.digest.hex(),
            "body": append.key.body_digest.hex(),
            "result": append.key.result_id,
            "status": append.key.status,
            "ttl": key_ttl,
        }
    return head


def _claim(number: int, claim: Claim, secret: Secret) -> dict[str, Any]:
    value = claim_hmac(secret, claim.tenant_id, claim.kind, claim.value).hex()
    return {"a": number, "tenant": claim.tenant_id, "kind": claim.kind, "value": value, "stream": claim.stream_id}
