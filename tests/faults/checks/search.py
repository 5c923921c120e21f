"""The index in OpenSearch, beside the contacts that the log gives."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx

from infra.search.opensearch_index import alias_of
from infra.search.opensearch_schema import document
from projections.contacts.indexer import CHECKPOINT
from projections.contacts.rows import Searchable
from tests.faults.checks.log import Key
from tests.faults.checks.progress import Progress

_PAGE = 1000


def documents(url: str, incarnation: UUID, tenants: Sequence[UUID] | None) -> dict[Key, tuple[int, dict[str, Any]]]:
    """Every document of some tenants, or of all, with its version.

    Raises:
        httpx.HTTPError: OpenSearch does not answer, or has no such index.
    """
    query = {"match_all": {}} if tenants is None else {"terms": {"tenant_id": [str(tenant) for tenant in tenants]}}
    found: dict[Key, tuple[int, dict[str, Any]]] = {}
    body = {"query": query, "size": _PAGE, "sort": ["tenant_id", "id"], "version": True}
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        while True:
            answer = client.post(f"/{alias_of(incarnation)}/_search", json=body)
            hits = answer.raise_for_status().json()["hits"]["hits"]
            for hit in hits:
                source = hit["_source"]
                source.pop("deleted_at", None)  # when it was written, which the log does not say
                found[UUID(source["tenant_id"]), UUID(source["id"])] = (hit["_version"], source)
            if len(hits) < _PAGE:
                return found
            body["search_after"] = hits[-1]["sort"]


def compare(
    found: Mapping[Key, tuple[int, dict[str, Any]]], contacts: Mapping[Key, Searchable], progress: Progress
) -> Iterator[str]:
    """What is wrong with the documents. A tombstone may be there or be purged; what the indexer has not reached yet is
    left out."""
    for key in found.keys() | contacts.keys():
        each, shown = contacts.get(key), found.get(key)
        if each and each.position > progress.at(key[0], CHECKPOINT):
            continue
        wanted = (each.position, document(key[0], each)) if each else None
        if shown != wanted and not (shown is None and each and each.text is None):
            yield f"document {key[1]} of tenant {key[0]}: the log says {wanted}, the index {shown}"
