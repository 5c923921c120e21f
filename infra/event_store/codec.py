"""Between appends and `store.append`: the batch that it takes, and the columns that readers ask for."""

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import structs

from commands.ports import Append, Claim, KeyUse
from infra.event_store.sealed import SealedAppend
from infra.keys.wrapping import WrappedDataKey
from infra.secret import Secret

COLUMNS = "tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at"
"""The columns of store.event in the order that `opened.Row` has them."""

_NONCE = 12
_BLOCK = 64  # bytes that SHA-256 takes at a time
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


def batch(appends: Sequence[SealedAppend], secret: Secret, key_ttl: str) -> bytes:
    """The JSON argument of `store.append`; `appends` are sorted by tenant."""
    events: list[dict[str, Any]] = []
    claims: list[dict[str, Any]] = []
    releases: list[dict[str, Any]] = []
    expects: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    tenant_keys: list[dict[str, Any]] = []
    heads: list[dict[str, Any]] = []
    for number, append in enumerate(appends, start=1):
        heads.append(_head(append, secret, key_ttl))
        data = iter(append.data)
        events.extend(
            {
                "a": number,
                "stream": stream.stream_id,
                "version": version,
                "first": version == stream.after + 1,
                "topic": event.TOPIC,
                "data": next(data),
                "metadata": append.sealed_metadata,
                "occurred_at": occurred_at,
            }
            for stream in append.streams
            for version, event, occurred_at in stream.dated(append.occurred_at)
        )
        claims.extend(_claim(number, claim, secret) for claim in append.claims)
        releases.extend(_claim(number, claim, secret) for claim in append.releases if claim not in append.claims)
        expects.extend({"a": number, "stream": each.stream_id, "version": each.version} for each in append.expects)
        keys.extend(_key(number, row) for _, row in append.made)
        tenant_keys.extend({"a": number, **structs.asdict(row)} for row in append.tenant_keys)
    whole: dict[str, Any] = {"appends": heads, "events": events}
    if claims:
        whole["claims"] = claims
    if releases:
        whole["releases"] = releases
    if expects:
        whole["expects"] = expects
    if keys:
        whole["keys"] = keys
    if tenant_keys:
        whole["tenant_keys"] = tenant_keys
    return _encoder.encode(whole)


def _head(append: Append, secret: Secret, key_ttl: str) -> dict[str, Any]:
    head: dict[str, Any] = {"tenant": append.tenant_id, "command": append.command_id}
    if append.key:
        head |= {
            "key": append.key.digest.hex(),
            "body": append.key.body_digest.hex(),
            "result": append.key.result_id,
            "status": append.key.status,
            "ttl": key_ttl,
        }
        if results := sealed_results(secret, append.tenant_id, append.key):
            head["results"] = results
    return head


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
