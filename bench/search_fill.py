"""Read models of many contacts, filled past the log: only to have many to search among."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import psycopg

from bench.people import Person
from infra.search.opensearch_index import OpenSearchWriter
from projections.contacts import rows as contact_rows
from projections.contacts import words as contact_words
from projections.contacts.closeness import near_keys
from projections.contacts.rows import Searchable
from projections.folding import json_text

_START = datetime(2025, 1, 1, tzinfo=UTC)
_TABLES = {
    "read.contact_v1": (
        "tenant_id, id, version, position, name, emails, phones, company_id, title, tags, owner_id, external_ids,"
        " lifecycle, custom, created_at, updated_at, deleted_at, sort_name"
    ),
    "read.contact_words_v1": "tenant_id, contact_id, position, owner_id, words, fields, kept",
    "read.contact_vocabulary_v1": "tenant_id, id, word, near",
    "read.contact_word_uses_v1": "tenant_id, id, uses",
}
_AT_A_TIME = 5000

Row = Sequence[Any]


def contact_id(tenant_id: UUID, number: int) -> UUID:
    """The id of a tenant's contact, from 0."""
    return uuid5(tenant_id, str(number))


def searchables(tenant_id: UUID, people: Iterable[Person]) -> Iterator[Searchable]:
    """People as search sees them."""
    for number, person in enumerate(people):
        row = _row(tenant_id, number, person)
        _, found, _, position, name, emails, phones, company, title, tags, owner, _, *others = row
        lifecycle, custom, made, changed, *_ = others
        about = (found, position, name, emails, phones, title, person.company, owner, False)
        yield contact_rows.searchable((*about, company, tags, lifecycle, made, changed, custom))


def fill(dsn: str, tenant_id: UUID, people: Sequence[Person]) -> None:
    """The tables that Postgres searches."""
    uses: Counter[str] = Counter()
    with psycopg.connect(dsn, options="-c synchronous_commit=off") as connection:
        _copy(connection, "read.contact_v1", (_row(tenant_id, n, person) for n, person in enumerate(people)))
        _copy(connection, "read.contact_words_v1", _word_rows(tenant_id, searchables(tenant_id, people), uses))
        words = ((tenant_id, contact_words.word_id(tenant_id, word), word) for word in uses)
        _copy(connection, "read.contact_vocabulary_v1", ((*row, near_keys(tenant_id.bytes, [row[2]])) for row in words))
        counted = ((tenant_id, contact_words.word_id(tenant_id, word), count) for word, count in uses.items())
        _copy(connection, "read.contact_word_uses_v1", counted)


def tidy(dsn: str) -> None:
    """Statistics, and whatever a fill leaves to do."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"VACUUM (ANALYZE) {', '.join(_TABLES)}".encode())
        connection.execute("CHECKPOINT")


async def index(writer: OpenSearchWriter, tenant_id: UUID, people: Sequence[Person]) -> None:
    """The documents that OpenSearch searches."""
    found = searchables(tenant_id, people)
    while some := list(islice(found, _AT_A_TIME)):
        await writer.write(tenant_id, some)
    await writer.refresh()


def _row(tenant_id: UUID, number: int, person: Person) -> tuple[Any, ...]:
    name = json_text({"given": person.given, "family": person.family, "display": person.display})
    when = _START + timedelta(seconds=number)
    emails = json_text([{"value": person.email, "kind": "work", "primary": True}])
    phones = json_text([{"value": person.phone, "kind": "work", "primary": True}])
    tags = [f"list {number % 50}"]
    return (
        *(tenant_id, contact_id(tenant_id, number), 1, number + 1, name, emails, phones, None, person.title, tags),
        *(None, "{}", ("lead", "customer", "prospect")[number % 3], json_text({"score": number % 100}), when, when),
        *(None, person.display.casefold()),
    )


def _word_rows(tenant_id: UUID, found: Iterable[Searchable], uses: Counter[str]) -> Iterator[Row]:
    for contact in found:
        numbers = contact_words.numbers(tenant_id, contact)
        uses.update(word for word in numbers.values() if contact_words.is_spelt(word))
        columns = contact_words.columns(numbers, contact)
        yield (
            tenant_id,
            contact.id,
            contact.position,
            None,
            columns["words"],
            columns["fields"],
            json_text(columns["kept"]),
        )


def _copy(connection: psycopg.Connection[Any], table: str, rows: Iterable[Row]) -> None:
    statement = f"COPY {table} ({_TABLES[table]}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)
