"""How contacts lie in OpenSearch: one index for all tenants, in which each tenant's words are its own.

Words come ready from projections.contacts.text, so that both backends find by the same rules; OpenSearch only splits at
spaces. Each word carries a short salt of its tenant in front: typos and beginnings are then looked for among one
tenant's words, not among those of all (which is faster, and no tenant's words push another's out of the expansion).

So do the terms that filters go by, "field=value" of whatever fields there are: one field of the index for all of them,
however many custom fields tenants think of.
"""

from base64 import b32encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec

from projections.contacts.closeness import initials
from projections.contacts.filters import WORDED
from projections.contacts.index import SCHEMA
from projections.contacts.rows import Searchable
from projections.contacts.text import FIELDS, ContactText
from projections.contacts.values import CUSTOM, Values, tokens

VERSION = SCHEMA
SALT_LETTERS = 6

TIMES = frozenset({"created_at", "updated_at"})
"""Fields that are numbers here, microseconds of the epoch, so that ranges of them are fast."""

_LONGEST_BEGINNING = 16
_SORTED = ("name", "given", "family", "email", "phone", "company", "title", "owner_id", "company_id", "lifecycle")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OTHERS = tuple(field for field in FIELDS if field != "name")
_BEGINNINGS = {
    "type": "text",
    "analyzer": "beginnings",
    "search_analyzer": "words",
    "norms": False,
    "index_options": "docs",
}
_WORDS = {
    "type": "text",
    "analyzer": "words",
    "norms": False,
    "index_options": "docs",
    "fields": {"begin": _BEGINNINGS},
}


def index_body(shards: int) -> dict[str, Any]:
    """Settings and mapping of a new index."""
    return {
        "settings": {
            "number_of_shards": shards,
            "number_of_replicas": 0,
            # Changes are shown when the indexer says so, which is when its checkpoints move.
            "refresh_interval": -1,
            "max_result_window": 1000,
            "analysis": {
                "filter": {
                    "beginnings": {
                        "type": "edge_ngram",
                        "min_gram": SALT_LETTERS + 1,
                        "max_gram": SALT_LETTERS + _LONGEST_BEGINNING,
                        "preserve_original": True,
                    }
                },
                "analyzer": {
                    "words": {"type": "custom", "tokenizer": "whitespace"},
                    "beginnings": {"type": "custom", "tokenizer": "whitespace", "filter": ["beginnings"]},
                },
            },
        },
        "mappings": {
            "dynamic": "strict",
            "_routing": {"required": True},
            "_meta": {"state": "new"},
            "properties": {
                "tenant_id": {"type": "keyword"},
                "id": {"type": "keyword"},
                "owner_id": {"type": "keyword"},
                "deleted": {"type": "boolean"},
                "deleted_at": {"type": "date", "format": "epoch_second"},
                "size": {"type": "integer", "index": False},
                "name": _WORDS,
                "all": _WORDS,
                # For those who must not search all.
                **dict.fromkeys(_OTHERS, _WORDS),
                "terms": {"type": "keyword", "doc_values": False},
                **{field: {"type": "long"} for field in sorted(TIMES)},
                "sort": {"properties": {field: {"type": "keyword", "index": False} for field in _SORTED}},
                # To sort by; a document each, so that a custom field of a tenant is no field of the index.
                "custom": {"type": "nested", "properties": {"key": {"type": "keyword"}, "value": {"type": "keyword"}}},
                # By field, only to say what a hit was found by, and where it stands.
                "text": {"type": "object", "enabled": False},
                "values": {"type": "object", "enabled": False},
            },
        },
    }


@lru_cache(maxsize=4096)
def salt(tenant_id: UUID) -> str:
    """What a tenant's words begin with."""
    return b32encode(blake2b(tenant_id.bytes, digest_size=5).digest()).decode().lower()[:SALT_LETTERS]


def value_term(tenant_id: UUID, field: str, value: str) -> str:
    """What is among the terms of a contact of which the field has this value."""
    return f"{salt(tenant_id)}{field}={value}"


def field_term(tenant_id: UUID, field: str) -> str:
    """What is among the terms of a contact of which the field has any value."""
    return salt(tenant_id) + field


def word_term(tenant_id: UUID, field: str, word: str) -> str:
    """What is among the terms of a contact of which the field has this word; but of fields whose words are indexed."""
    return f"{salt(tenant_id)}~{field}={word}"


def micros(time: str) -> int:
    """A moment as contact_values has it, in microseconds of the epoch."""
    return (datetime.fromisoformat(time) - _EPOCH) // timedelta(microseconds=1)


def document_id(tenant_id: UUID, contact_id: UUID) -> str:
    """Of both, because a copy of a tenant's log holds the same contacts in another tenant."""
    return f"{tenant_id}:{contact_id}"


def document(tenant_id: UUID, contact: Searchable) -> dict[str, Any]:
    """A contact as it is indexed.

    A deleted one is a tombstone without words: nothing finds it, and no older write undoes it.
    """
    head = {"tenant_id": str(tenant_id), "id": str(contact.id)}
    if contact.text is None:
        return head | {"deleted": True}
    begin = salt(tenant_id)
    words = sorted(contact.text.words())
    text = {field: sorted(kept) for field, kept in msgspec.structs.asdict(contact.text).items() if kept}
    return head | {
        "deleted": False,
        "owner_id": str(contact.owner_id) if contact.owner_id else None,
        "size": len(words) + len(initials(contact.text)),
        "all": " ".join(begin + word for word in words),
        **{field: " ".join(begin + word for word in kept) for field, kept in text.items()},
        "text": text,
        "values": contact.values,
        "terms": list(_terms(tenant_id, contact.values)),
        **{field: micros(contact.values[field][0]) for field in TIMES & contact.values.keys()},
        "sort": {field: contact.values[field][0] for field in _SORTED if field in contact.values},
        "custom": [
            {"key": field.removeprefix(CUSTOM), "value": each[0]}
            for field, each in contact.values.items()
            if field.startswith(CUSTOM)
        ],
    }


def _terms(tenant_id: UUID, values: Values) -> Iterator[str]:
    for field, each in values.items():
        if field in TIMES or field == "id":
            continue
        yield field_term(tenant_id, field)
        yield from (value_term(tenant_id, field, value) for value in each)
        if field not in WORDED:
            yield from (word_term(tenant_id, field, word) for word in tokens(each))


def text_of(source: dict[str, Any]) -> ContactText:
    """The words in a document."""
    return msgspec.convert(source["text"], ContactText)


def contact_of(source: dict[str, Any]) -> Searchable:
    """The contact in a document, as far as hits tell of it."""
    values = {field: tuple(each) for field, each in source.get("values", {}).items()}
    return Searchable(UUID(source["id"]), 0, text_of(source), None, values)
