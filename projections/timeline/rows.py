"""Entries of timelines as rows, with the words that they are found by."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct

from projections.contacts.text import words
from projections.timeline.system import Refs, records

_MOST_WORDS = 2000
_LONGEST_CHUNK = 256
"""So much is looked at of what stands between spaces."""

COLUMNS = """
    tenant_id uuid, record_id uuid, id uuid, since bigint, until bigint, stream_id uuid, kind text, at timestamptz,
    told_at timestamptz, type text, channel text, author_id uuid, outcome text, title text, said text, next text,
    refs jsonb, words tsvector
"""


FILTERED = ("type", "channel", "author_id", "outcome")
"""What timelines are filtered by. Each value stands among the words, so that a rare one is found without a walk through
all entries that have another."""


class Entry(Struct, frozen=True, kw_only=True):
    """Something that happened. `refs` are the ids of what it is about, `said` the words of its text beside the title.

    `told_at` stands in for when it happened while nobody knows; `next` is what is to be done next; what is `gone` is
    shown as of the past alone.
    """

    id: UUID
    stream_id: UUID
    kind: str
    at: datetime
    told_at: datetime
    refs: Refs
    type: str | None = None
    channel: str | None = None
    author_id: UUID | None = None
    outcome: str | None = None
    title: str | None = None
    said: str = ""
    next: str | None = None
    gone: bool = False


class Row(Struct, array_like=True, kw_only=True):
    """A version of an entry with one of its records, in the order of the table's columns."""

    tenant_id: UUID
    record_id: UUID
    id: UUID
    since: int
    until: int | None
    stream_id: UUID
    kind: str
    at: datetime
    told_at: datetime
    type: str | None
    channel: str | None
    author_id: UUID | None
    outcome: str | None
    title: str | None
    said: str
    next: str | None
    refs: Any
    words: str


def tag(record_id: UUID) -> str:
    """What stands before a record's words, so that the index has them next to each other: the random end of its id."""
    return record_id.hex[-8:]


@lru_cache(4096)
def valued(name: str, value: object) -> str:
    """What stands among the words for a value that is filtered by; no beginning of a word is one of it."""
    text = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"={name}={text}"


def said(text: str) -> str:
    """A text's words, each once, as far as anybody looks for them."""
    if is_short(text):
        return " ".join(dict.fromkeys(words(text)))
    found: dict[str, None] = {}
    for word in _split(text):
        found[word] = None
        if len(found) == _MOST_WORDS:
            break
    return " ".join(found)


def is_short(text: str) -> bool:
    """Whether the words of all of a text are those of its chunks."""
    return len(text) <= _LONGEST_CHUNK and text.isascii()


def _split(text: str) -> Iterator[str]:
    if is_short(text):
        return words(text)
    return (word for chunk in text.split() for word in words(chunk))


def rows_of(tenant_id: UUID, entry: Entry, since: int) -> list[Row]:
    """An entry as rows, one for each record that it is about; under its own id while that is nobody."""
    if entry.gone:
        return []
    found = set(entry.said.split())
    found.update(*[_split(text) for text in (entry.title, entry.outcome, entry.next) if text])
    found.update([valued(name, value) for name in FILTERED if (value := getattr(entry, name)) is not None])
    return [
        Row(
            tenant_id=tenant_id,
            record_id=record_id,
            id=entry.id,
            since=since,
            until=None,
            stream_id=entry.stream_id,
            kind=entry.kind,
            at=entry.at,
            told_at=entry.told_at,
            type=entry.type,
            channel=entry.channel,
            author_id=entry.author_id,
            outcome=entry.outcome,
            title=entry.title,
            said=entry.said,
            next=entry.next,
            refs=entry.refs,
            words=_tagged(tag(record_id), found),
        )
        for record_id in records(entry.refs) or (entry.stream_id,)
    ]


def _tagged(of_record: str, said: Iterable[str]) -> str:
    """Words after a tag, as a tsvector."""
    words_ = f"' '{of_record}".join(said)
    return f"'{of_record}{words_}'" if words_ else ""
