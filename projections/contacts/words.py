"""Words to find contacts by: the search that Postgres itself answers.

Tables that are looked up by equality, because similarity over all names of a large tenant takes too long (measured,
at a million contacts: 150 ms and more at the 95th percentile for trigrams over texts, 91 to 152 ms over a vocabulary):

- contact_vocabulary: each word of the tenant once. A word that was asked for finds the words that begin with it by a
  range, and those with a typo or two by a letter or two left out of both (SymSpell: see closeness.py).
- contact_word_uses: how many contacts have a word; a word that nobody has any more is forgotten.
- contact_words: each contact's words as numbers, which the words of the vocabulary lead to, and beside each word the
  fields that it is in, for those who must not search all.

The last also has the contact's values as filters compare them (projections.contacts.values), and numbers for those of
tags and custom fields among the words.

The numbers are salted with the tenant, so that in the GIN indexes, which know no tenants, one tenant's lists are its
own and as short as the tenant is small. The lowest bit of a word's number tells that it is in the name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from domain import contact as domain
from domain.event import Event, Recorded, topics
from projections.companies import company
from projections.contacts import contact
from projections.contacts import rows as contact_rows
from projections.contacts.closeness import initials, near_keys
from projections.contacts.filters import WORDED
from projections.contacts.rows import Searchable, searchable
from projections.contacts.text import FIELDS, ContactText, fields_mask
from projections.contacts.values import CUSTOM, Values, tokens
from projections.ports import Connection
from projections.projection import Projection

_ROWS = f"""
SELECT {contact_rows.COLUMNS}, coalesce(w.words, '{{}}')
  FROM {contact_rows.BY_ID}
  LEFT JOIN {contact_rows.COMPANY} ON true
  LEFT JOIN LATERAL (
       SELECT words FROM contact_words_v1 o WHERE o.tenant_id = c.tenant_id AND o.contact_id = c.id OFFSET 0) w ON true
"""
_OLD = "SELECT contact_id, words FROM contact_words_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)"
# One statement, so that a contact with new words is written without waiting for which of them are new to the tenant.
_SAVE = """
WITH saved AS (
    INSERT INTO contact_words_v1
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
      AS r (tenant_id uuid, contact_id uuid, position bigint, owner_id uuid, words bigint[], fields smallint[],
            kept jsonb)
    ON CONFLICT (tenant_id, contact_id) DO UPDATE
       SET position = excluded.position, owner_id = excluded.owner_id, words = excluded.words,
           fields = excluded.fields, kept = excluded.kept
), gone AS (
    DELETE FROM contact_words_v1 WHERE tenant_id = %(tenant)s AND contact_id = ANY(%(gone)s)
), change AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(change)s::jsonb) AS r (id bigint, uses integer, word text, near integer[])
), counted AS (
    UPDATE contact_word_uses_v1 u SET uses = u.uses + c.uses
      FROM change c WHERE u.tenant_id = %(tenant)s AND u.id = c.id
    RETURNING u.id, u.uses
), fresh AS MATERIALIZED (
    SELECT * FROM change c WHERE c.uses > 0 AND NOT EXISTS (SELECT FROM counted k WHERE k.id = c.id)
), used AS (
    INSERT INTO contact_word_uses_v1 SELECT %(tenant)s, f.id, f.uses FROM fresh f
), spelt AS (
    INSERT INTO contact_vocabulary_v1 SELECT %(tenant)s, f.id, f.word, f.near FROM fresh f
)
SELECT id FROM counted WHERE uses <= 0
"""
_FORGET = """
WITH counted AS (DELETE FROM contact_word_uses_v1 WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s))
DELETE FROM contact_vocabulary_v1 WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
"""

_PAGE = 2000
_NAME = fields_mask(set(FIELDS) - {"name"})
_COLUMNS = frozenset({"id", "owner_id", "company_id", "lifecycle", "created_at", "updated_at"})
"""Fields that are compared as read.contact_v1 has them."""


def word_id(tenant_id: UUID, word: str) -> int:
    """A word's number with this tenant; even."""
    return _number(tenant_id.bytes, word)


@lru_cache(maxsize=16_384)  # one takes 300 bytes
def _number(salt: bytes, word: str) -> int:
    digest = blake2b(word.encode(), digest_size=8, key=salt).digest()
    return int.from_bytes(digest, signed=True) & ~1


@lru_cache(maxsize=8192)
def _near(salt: bytes, word: str) -> str:
    return _array(near_keys(salt, [word]))


def term(field: str, value: str) -> str:
    """What stands among the words for a value of a tag or custom field: nobody types it."""
    return f"={field}={value}"


def numbers(tenant_id: UUID, contact: Searchable) -> dict[int, str]:
    """A contact's words by number; odd when the word is in the name."""
    text, salt = contact.text or ContactText(), tenant_id.bytes
    found = {_number(salt, word): word for word in text.words() - text.name}
    found |= {_number(salt, word) | 1: word for word in text.name}
    found |= {_number(salt, word): word for word in initials(text)}
    for field, values in contact.values.items():
        if has_terms(field):
            terms = (term(field, value) for value in values)
            found |= {_number(salt, word): word for word in terms}
    return found


def has_terms(field: str) -> bool:
    """Whether values of a field stand among the words."""
    return field == "tags" or field.startswith(CUSTOM)


def kept(values: Values) -> dict[str, Sequence[str]]:
    """Values that no column of read.contact_v1 has as they are compared, and the words of those that have several."""
    found: dict[str, Sequence[str]] = {field: each for field, each in values.items() if field not in _COLUMNS}
    for field in found.keys() - WORDED:
        # One that is a word itself is there already; all the same, so that one look finds both.
        found[f"~{field}"] = sorted(tokens(found[field]))
    return found


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    if ids := contact_rows.of_contacts(events):
        rows = await (await connection.execute(_ROWS, (tenant_id, list(ids)))).fetchall()
        found = [searchable(row[:-1], all_values=False) for row in rows]
        await _save(connection, tenant_id, found, {row[0]: row[-1] for row in rows})
    async for contacts in contact_rows.pages_of(connection, tenant_id, contact_rows.renamed(events)):
        await save(connection, tenant_id, contacts)


async def _refill(connection: Connection, tenant_id: UUID, after: UUID) -> UUID | None:
    contacts = await contact_rows.page(connection, tenant_id, after=after, limit=_PAGE)
    if not contacts:
        return None
    await _save(connection, tenant_id, contacts, {})
    return contacts[-1].id


async def save(connection: Connection, tenant_id: UUID, contacts: Sequence[Searchable]) -> None:
    """Make the tables say what the contacts say."""
    old = await connection.execute(_OLD, (tenant_id, [contact.id for contact in contacts]))
    await _save(connection, tenant_id, contacts, dict(await old.fetchall()))


async def _save(
    connection: Connection, tenant_id: UUID, contacts: Sequence[Searchable], old: Mapping[UUID, Sequence[int]]
) -> None:
    new = {contact.id: numbers(tenant_id, contact) if contact.text else {} for contact in contacts}
    words = {number & ~1: word for of_one in new.values() for number, word in of_one.items()}
    change = _change(new, old, words)
    rows = [_row(tenant_id, contact, new[contact.id]) for contact in contacts if contact.text]
    gone = [contact.id for contact in contacts if not contact.text]
    salt = tenant_id.bytes
    changes = [
        {"id": number, "uses": by, "word": words[number], "near": _near(salt, words[number])}
        if by > 0
        else {"id": number, "uses": by}
        for number, by in change.items()
    ]
    parameters = {"rows": _json(rows), "tenant": tenant_id, "gone": gone, "change": _json(changes)}
    cursor = await connection.execute(_SAVE, parameters)
    if any(by < 0 for by in change.values()) and (unused := [number for (number,) in await cursor.fetchall()]):
        await connection.execute(_FORGET, {"tenant": tenant_id, "ids": unused})


def _row(tenant_id: UUID, contact: Searchable, words: Mapping[int, str]) -> dict[str, Any]:
    """As it travels: lists of numbers as Postgres reads arrays, which it does faster than lists in JSON."""
    found = columns(words, contact)
    found |= {"words": _array(found["words"]), "fields": _array(found["fields"])}
    found |= {"tenant_id": tenant_id, "contact_id": contact.id}
    found |= {"position": contact.position, "owner_id": contact.owner_id}
    return found


def columns(words: Mapping[int, str], contact: Searchable) -> dict[str, Any]:
    """The words of a contact, beside each the fields that it is in, and the values."""
    text, numbers_ = contact.text or ContactText(), sorted(words)
    fields = text.fields() | dict.fromkeys(initials(text), _NAME)
    return {
        "words": numbers_,
        "fields": [fields.get(words[number], 0) for number in numbers_],
        "kept": kept(contact.values),
    }


def _array(numbers_: Sequence[int]) -> str:
    return f"{{{','.join(map(str, numbers_))}}}"


def is_spelt(word: str) -> bool:
    """Whether a word is looked for by what is like it; ends of phone numbers, initials and terms are as they are."""
    return word[:1] not in {"#", "=", "^"}


def _change(
    new: Mapping[UUID, Mapping[int, str]], old: Mapping[UUID, Sequence[int]], words: Mapping[int, str]
) -> dict[int, int]:
    """By how much the uses of words change. Words come with their first use and go with their last."""
    uses = Counter([number & ~1 for numbers_ in new.values() for number in numbers_])
    for contact_id in new:
        if words_ := old.get(contact_id):
            uses.subtract(number & ~1 for number in words_)
    return {number: by for number, by in sorted(uses.items()) if by and is_spelt(words.get(number, ""))}


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return msgspec.json.encode(list(rows)).decode()


PROJECTION = Projection(
    name="contact_words",
    version=1,
    topics=topics(domain.EVENTS) | contact_rows.RENAMING,
    tables=("contact_words_v1", "contact_vocabulary_v1", "contact_word_uses_v1"),
    ddl="".join(Path(__file__).with_name(f"{name}.sql").read_text() for name in ("words", "select")),
    apply=_apply,
    refill=_refill,
    follows=(company.PROJECTION.checkpoint, contact.PROJECTION.checkpoint),
    is_slow=True,
    stream_column="contact_id",
)
