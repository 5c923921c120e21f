"""Between appends and `store.append_columns`: the batch that it takes, and the columns that readers ask for."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import structs

from commands.ports import Append, Claim, KeyUse
from infra.event_store import arrays
from infra.event_store.sealed import SealedAppend
from infra.keys.wrapping import WrappedDataKey
from infra.secret import Secret

COLUMNS = "tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at"
"""The columns of store.event in the order that `opened.Row` has them."""

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_NONCE = 12
_BLOCK = 64  # bytes that SHA-256 takes at a time
_JSONB = b"\1"  # the version of its binary format, before the text
_encoder = msgspec.json.Encoder()


def claim_hmac(secret: Secret, tenant_id: UUID, kind: str, value: str) -> bytes:
    """What the claim table keeps of a unique value: its HMAC under the tenant's own key."""
    begun = _claim_hashes(secret, tenant_id)
    inner, outer = begun[0].copy(), begun[1].copy()
    inner.update(f"{kind}\0{value}".encode())
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=1024)
def _claim_hashes(secret: Secret, tenant_id: UUID) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """Both hashes of an HMAC (RFC 2104) with their key taken in: a batch makes a thousand under the same one."""
    key = secret.key(f"claim/{tenant_id}").ljust(_BLOCK, b"\0")
    return hashlib.sha256(bytes(each ^ 0x36 for each in key)), hashlib.sha256(bytes(each ^ 0x5C for each in key))


def sealed_results(secret: Secret, tenant_id: UUID, key: KeyUse) -> bytes | None:
    """What came of several commands, as it is kept with their idempotency key: it may quote what was sent."""
    if key.results is None:
        return None
    nonce = os.urandom(_NONCE)
    return nonce + _results_box(secret).encrypt(nonce, key.results, tenant_id.bytes + key.digest)


def opened_results(secret: Secret, tenant_id: UUID, digest: bytes, sealed: bytes | None) -> bytes | None:
    """The same, opened.

    Raises:
        InvalidTag: it was changed or put elsewhere.
    """
    if sealed is None:
        return None
    return _results_box(secret).decrypt(sealed[:_NONCE], sealed[_NONCE:], tenant_id.bytes + digest)


@lru_cache(maxsize=1)
def _results_box(secret: Secret) -> AESGCM:
    return AESGCM(secret.key("command-results"))


def batch(appends: Sequence[SealedAppend], secret: Secret, key_ttl: str) -> tuple[bytes, ...]:
    """The arguments of `store.append_columns` but the last, in binary; `appends` are sorted by tenant."""
    numbers: list[int] = []
    streams: list[bytes] = []
    versions: list[int] = []
    firsts: list[bool] = []
    topics: list[bytes] = []
    metadata: list[bytes] = []
    times: list[bytes] = []
    for number, append in enumerate(appends, start=1):
        for stream in append.streams:
            stream_id = stream.stream_id.bytes
            for version, event, occurred_at in stream.dated(append.occurred_at):
                numbers.append(number)
                streams.append(stream_id)
                versions.append(version)
                firsts.append(version == stream.after + 1)
                topics.append(event.TOPIC.encode())
                metadata.append(append.sealed_metadata)
                times.append(timestamp(occurred_at))
    return (
        arrays.uuids([append.tenant_id.bytes for append in appends]),
        arrays.uuids([append.command_id.bytes for append in appends]),
        arrays.integers(numbers),
        arrays.uuids(streams),
        arrays.integers(versions),
        arrays.booleans(firsts),
        arrays.texts(topics),
        arrays.byteas([data for append in appends for data in append.data]),
        arrays.byteas(metadata),
        arrays.times(times),
        _JSONB + _encoder.encode(_beside(appends, secret, key_ttl)),
    )


def timestamp(moment: datetime) -> bytes:
    """A timestamptz in binary."""
    return ((moment - POSTGRES_EPOCH) // MICROSECOND).to_bytes(8, signed=True)


def _beside(appends: Sequence[SealedAppend], secret: Secret, key_ttl: str) -> dict[str, Any]:
    """What goes with the events, where there is any of it."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if any(append.key for append in appends):
        found["appends"] = [_use(append, secret, key_ttl) for append in appends]
    for number, append in enumerate(appends, start=1):
        for claim in append.claims:
            found["claims"].append(_claim(number, claim, secret))
        for claim in append.releases:
            if claim not in append.claims:
                found["releases"].append(_claim(number, claim, secret))
        for each in append.expects:
            found["expects"].append({"a": number, "stream": each.stream_id, "version": each.version})
        for _, row in append.made:
            found["keys"].append(_key(number, row))
        for tenant_key in append.tenant_keys:
            found["tenant_keys"].append({"a": number, **structs.asdict(tenant_key)})
    return found


def _use(append: Append, secret: Secret, key_ttl: str) -> dict[str, Any]:
    if not append.key:
        return {}
    use: dict[str, Any] = {
        "key": append.key.digest.hex(),
        "body": append.key.body_digest.hex(),
        "result": append.key.result_id,
        "status": append.key.status,
        "ttl": key_ttl,
    }
    if results := sealed_results(secret, append.tenant_id, append.key):
        use["results"] = results
    return use


def _claim(number: int, claim: Claim, secret: Secret) -> dict[str, Any]:
    value = claim_hmac(secret, claim.tenant_id, claim.kind, claim.value).hex()
    return {"a": number, "tenant": claim.tenant_id, "kind": claim.kind, "value": value, "stream": claim.stream_id}


def _key(number: int, row: WrappedDataKey) -> dict[str, Any]:
    return {
        "a": number,
        "subject": row.subject,
        "class": row.data_class,
        "year": row.year,
        "id": row.id,
        "tenant_key": row.tenant_key,
        "wrapped": row.wrapped,
    }
