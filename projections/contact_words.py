"""Words to find contacts by: the search that Postgres itself answers.

Tables that are looked up by equality, because similarity over all names of a large tenant takes too long (measured,
at a million contacts: 150 ms and more at the 95th percentile for trigrams over texts, 91 to 152 ms over a vocabulary):

- contact_vocabulary: each word of the tenant once. A word that was asked for finds the words that begin with it by a
  range, and those with a typo or two by a letter or two left out of both (SymSpell: see projections.closeness).
- contact_word_uses: how many contacts have a word; a word that nobody has any more is forgotten.
- contact_words: each contact's words as numbers, which the words of the vocabulary lead to.

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
from projections import company, contact, contact_rows
from projections.closeness import near_keys
from projections.contact_rows import Searchable, searchable
from projections.contact_text import ContactText
from projections.ports import Connection
from projections.projection import Projection

_ROWS = f"""
SELECT {contact_rows.COLUMNS}, coalesce(w.words, '{{}}')
  FROM read.contact_v1 c
  LEFT JOIN read.company_v1 k ON k.tenant_id = c.tenant_id AND k.id = c.company_id
  LEFT JOIN contact_words_v1 w ON w.tenant_id = c.tenant_id AND w.contact_id = c.id
 WHERE c.tenant_id = %s AND c.id = ANY(%s)
"""
_OLD = "SELECT contact_id, words FROM contact_words_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)"
_SAVE = """
WITH saved AS (
    INSERT INTO contact_words_v1
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (tenant_id uuid, contact_id uuid, position bigint, words bigint[])
    ON CONFLICT (tenant_id, contact_id) DO UPDATE SET position = excluded.position, words = excluded.words
), gone AS (
    DELETE FROM contact_words_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)
)
UPDATE contact_word_uses_v1 u SET uses = u.uses + d.uses
  FROM unnest(%s::bigint[], %s::integer[]) AS d (id, uses)
 WHERE u.tenant_id = %s AND u.id = d.id
RETURNING u.id, u.uses
"""
_NEW = """
WITH new AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb)
      AS r (tenant_id uuid, id bigint, word text, uses integer, near integer[])
), counted AS (
    INSERT INTO contact_word_uses_v1 SELECT tenant_id, id, uses FROM new
)
INSERT INTO contact_vocabulary_v1 SELECT tenant_id, id, word, near FROM new
"""
_FORGET = """
WITH counted AS (DELETE FROM contact_word_uses_v1 WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s))
DELETE FROM contact_vocabulary_v1 WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
"""

_PAGE = 2000


@lru_cache(maxsize=65_536)
def word_id(tenant_id: UUID, word: str) -> int:
    """A word's number with this tenant; even."""
    digest = blake2b(word.encode(), digest_size=8, key=tenant_id.bytes).digest()
    return int.from_bytes(digest, signed=True) & ~1


def numbers(tenant_id: UUID, text: ContactText) -> dict[int, str]:
    """A contact's words by number; odd when the word is in the name."""
    return {word_id(tenant_id, word) | (word in text.name): word for word in text.words()}


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    parameters = (tenant_id, list({item.stream_id for item in events}))
    rows = await (await connection.execute(_ROWS, parameters)).fetchall()
    await _save(connection, tenant_id, [searchable(row[:-1]) for row in rows], {row[0]: row[-1] for row in rows})


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
    new = {contact.id: numbers(tenant_id, contact.text) if contact.text else {} for contact in contacts}
    words = {number & ~1: word for of_one in new.values() for number, word in of_one.items()}
    change = _change(new, old, words)
    rows = [
        {"tenant_id": tenant_id, "contact_id": c.id, "position": c.position, "words": sorted(new[c.id])}
        for c in contacts
        if c.text
    ]
    gone = [contact.id for contact in contacts if not contact.text]
    parameters = (_json(rows), tenant_id, gone, list(change), list(change.values()), tenant_id)
    counted: dict[int, int] = dict(await (await connection.execute(_SAVE, parameters)).fetchall())
    fresh = [
        {
            "tenant_id": tenant_id,
            "id": number,
            "word": words[number],
            "uses": by,
            "near": near_keys(tenant_id.bytes, [words[number]]),
        }
        for number, by in change.items()
        if by > 0 and number not in counted
    ]
    if fresh:
        await connection.execute(_NEW, (_json(fresh),))
    unused = [number for number, left in counted.items() if left <= 0]
    if unused:
        await connection.execute(_FORGET, {"tenant": tenant_id, "ids": unused})


def _change(
    new: Mapping[UUID, Mapping[int, str]], old: Mapping[UUID, Sequence[int]], words: Mapping[int, str]
) -> dict[int, int]:
    """By how much the uses of words change. Words come with their first use and go with their last."""
    uses: Counter[int] = Counter()
    for contact_id, numbers_ in new.items():
        uses.update({number & ~1 for number in numbers_})
        uses.subtract({number & ~1 for number in old.get(contact_id, ())})
    # A phone's last digits are looked up as they are; there is nothing to find near them.
    return {number: by for number, by in sorted(uses.items()) if by and not words.get(number, "").startswith("#")}


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return msgspec.json.encode(list(rows)).decode()


PROJECTION = Projection(
    name="contact_words",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("contact_words_v1", "contact_vocabulary_v1", "contact_word_uses_v1"),
    ddl=Path(__file__).with_suffix(".sql").read_text(),
    apply=_apply,
    refill=_refill,
    follows=(company.PROJECTION.checkpoint, contact.PROJECTION.checkpoint),
    stream_column="contact_id",
)
