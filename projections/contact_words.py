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
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from domain import contact as domain
from domain.event import Event, Recorded, topics
from projections import contact_rows
from projections.closeness import near_keys
from projections.contact_rows import Searchable
from projections.contact_text import ContactText
from projections.ports import Connection
from projections.projection import Projection

_OLD = "SELECT contact_id, words FROM read.contact_words_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)"
_SAVE = """
INSERT INTO read.contact_words_v1
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (tenant_id uuid, contact_id uuid, position bigint, words bigint[])
ON CONFLICT (tenant_id, contact_id) DO UPDATE SET position = excluded.position, words = excluded.words
"""
_DELETE = "DELETE FROM read.contact_words_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)"
_COUNT = """
UPDATE read.contact_word_uses_v1 u SET uses = u.uses + d.uses
  FROM unnest(%s::bigint[], %s::integer[]) AS d (id, uses)
 WHERE u.tenant_id = %s AND u.id = d.id
RETURNING u.id, u.uses
"""
_NEW = """
WITH new AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb)
      AS r (tenant_id uuid, id bigint, word text, uses integer, near integer[])
), counted AS (
    INSERT INTO read.contact_word_uses_v1 SELECT tenant_id, id, uses FROM new
)
INSERT INTO read.contact_vocabulary_v1 SELECT tenant_id, id, word, near FROM new
"""
_FORGET = """
WITH counted AS (DELETE FROM read.contact_word_uses_v1 WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s))
DELETE FROM read.contact_vocabulary_v1 WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
"""


class ContactsBehindError(Exception):
    """The contact rows do not include these events yet: to be tried again when they do."""


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
    positions = {item.stream_id: item.position for item in events}
    contacts = await contact_rows.by_id(connection, tenant_id, list(positions))
    # When the rows' own projection fails, this one must not run ahead on rows of the past.
    if {c.id for c in contacts if c.position >= positions[c.id]} != set(positions):
        raise ContactsBehindError
    await save(connection, tenant_id, contacts)


async def save(connection: Connection, tenant_id: UUID, contacts: Sequence[Searchable]) -> None:
    """Make the tables say what the contacts say."""
    ids = [contact.id for contact in contacts]
    new = {contact.id: numbers(tenant_id, contact.text) if contact.text else {} for contact in contacts}
    old = dict(await (await connection.execute(_OLD, (tenant_id, ids))).fetchall())
    uses: Counter[int] = Counter()
    for contact_id, words in new.items():
        uses.update({number & ~1 for number in words})
        uses.subtract({number & ~1 for number in old.get(contact_id, ())})
    await _count(connection, tenant_id, uses, {n & ~1: word for words in new.values() for n, word in words.items()})
    rows = [
        {"tenant_id": tenant_id, "contact_id": contact.id, "position": contact.position, "words": list(new[contact.id])}
        for contact in contacts
        if contact.text
    ]
    await connection.execute(_SAVE, (_json(rows),))
    gone = [contact.id for contact in contacts if not contact.text]
    if gone:
        await connection.execute(_DELETE, (tenant_id, gone))


async def _count(connection: Connection, tenant_id: UUID, uses: Counter[int], words: dict[int, str]) -> None:
    """Words come with their first use and go with their last: what nobody is called any more is not kept."""
    # A phone's last digits are looked up as they are; there is nothing to find near them.
    change = {number: by for number, by in sorted(uses.items()) if by and not words.get(number, "").startswith("#")}
    if not change:
        return
    parameters = (list(change), list(change.values()), tenant_id)
    counted: dict[int, int] = dict(await (await connection.execute(_COUNT, parameters)).fetchall())
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


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return msgspec.json.encode(list(rows)).decode()


PROJECTION = Projection(
    name="contact_words",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("contact_words_v1", "contact_vocabulary_v1", "contact_word_uses_v1"),
    ddl=Path(__file__).with_suffix(".sql").read_text(),
    apply=_apply,
)
