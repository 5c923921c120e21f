"""What contacts are found by in Postgres, beside the words that their contacts in the log give."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any
from uuid import UUID

import psycopg

from domain.company import Company
from domain.contact import Contact
from projections.contacts import values as contact_values
from projections.contacts import words as contact_words
from projections.contacts.closeness import near_keys
from projections.contacts.rows import Searchable
from projections.contacts.text import contact_text
from tests.faults.checks.log import Key
from tests.faults.checks.models import Models
from tests.faults.checks.progress import Progress

_WORDS = """
SELECT tenant_id, contact_id, position, owner_id, words, fields FROM read.contact_words_v1
 WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""
_VOCABULARY = """
SELECT tenant_id, id, v.word, v.near, u.uses
  FROM read.contact_vocabulary_v1 v FULL JOIN read.contact_word_uses_v1 u USING (tenant_id, id)
 WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""


def searchable(models: Models) -> dict[Key, Searchable]:
    """Every contact as search has to have it; nothing but its id and position of a deleted one."""
    return {
        key: _searchable(contact, position, models.companies.states.get((key[0], contact.company_id)))
        for key, (contact, position) in models.contacts.states.items()
    }


def _searchable(contact: Contact, position: int, employer: tuple[Company, int] | None) -> Searchable:
    company, since = employer or (None, 0)
    latest = max(position, since)
    if contact.deleted_at:
        return Searchable(contact.id, latest, None)
    text = contact_text(
        names=(contact.name.given, contact.name.family, contact.name.display),
        emails=(email.value for email in contact.emails),
        phones=(phone.value for phone in contact.phones),
        title=contact.title,
        company=company.name if company and company.deleted_at is None else None,
    )
    terms = {f"{contact_values.CUSTOM}{key}": contact_values.custom(value) for key, value in contact.custom.items()}
    terms |= {"tags": tuple(map(contact_values.text, contact.tags))}
    return Searchable(contact.id, latest, text, contact.owner_id, terms)


def compare(
    connection: psycopg.Connection[Any],
    scope: Mapping[str, Any],
    contacts: Mapping[Key, Searchable],
    progress: Progress,
) -> Iterator[str]:
    """What is wrong with the words. They follow the contact rows: what has changed since is left out."""
    checkpoint = contact_words.PROJECTION.checkpoint
    behind = {key[0] for key, each in contacts.items() if each.position > progress.at(key[0], checkpoint)}
    parked = {(tenant, stream) for tenant, name, stream in progress.parked if name == checkpoint}
    shown: dict[Key, tuple[int, UUID | None, dict[int, int]]] = {}
    for tenant, contact_id, position, owner_id, words, fields in connection.execute(_WORDS, scope):
        shown[tenant, contact_id] = (position, owner_id, dict(zip_longest(words, fields)))
    vocabulary: dict[UUID, dict[int, str]] = defaultdict(dict)
    uses: dict[UUID, Counter[int]] = defaultdict(Counter)
    for key in contacts.keys() | shown.keys():
        each = contacts.get(key)
        wanted = None
        if each and each.text:
            numbers = contact_words.numbers(key[0], each)
            columns = contact_words.columns(numbers, each)
            pairs = dict(zip(columns["words"], columns["fields"], strict=True))
            wanted = (each.position, each.owner_id, pairs)
            vocabulary[key[0]] |= {
                number & ~1: word for number, word in numbers.items() if contact_words.is_spelt(word)
            }
            uses[key[0]].update({number & ~1 for number, word in numbers.items() if contact_words.is_spelt(word)})
        if wanted != shown.get(key) and key not in parked and not (each and key[0] in behind):
            yield f"words of contact {key[1]} of tenant {key[0]}: {wanted} from the log, {shown.get(key)} to search by"
    incomplete = behind | {tenant for tenant, _ in parked}
    yield from _vocabulary(connection, scope, vocabulary, uses, incomplete)


def _vocabulary(
    connection: psycopg.Connection[Any],
    scope: Mapping[str, Any],
    words: Mapping[UUID, Mapping[int, str]],
    uses: Mapping[UUID, Mapping[int, int]],
    incomplete: set[UUID],
) -> Iterator[str]:
    found: dict[tuple[UUID, int], Any] = {}
    for tenant, number, word, near, count in connection.execute(_VOCABULARY, scope):
        found[tenant, number] = (word, near, count)
    wanted = {
        (tenant, number): (word, near_keys(tenant.bytes, [word]), uses[tenant][number])
        for tenant, kept in words.items()
        for number, word in kept.items()
    }
    for key in found.keys() | wanted.keys():
        if found.get(key) != wanted.get(key) and key[0] not in incomplete:
            yield f"word {key[1]} of tenant {key[0]}: {wanted.get(key)} from the log, {found.get(key)} to search by"
