"""Contact search by Postgres alone, over the words that projections.contacts.words keeps."""

import heapq
from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct, structs
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from infra.postgres import TenantReads
from infra.search import postgres_conditions as conditions
from projections.contacts import closeness as near
from projections.contacts import filters as contact_filters
from projections.contacts import rows as contact_rows
from projections.contacts.dialling import at_home
from projections.contacts.hits import completed, explained
from projections.contacts.nicknames import also_called
from projections.contacts.rows import Searchable
from projections.contacts.search import DEEPEST, EVERYTHING, Backend, Hit, SearchUnavailableError, Sought, Within
from projections.contacts.text import asked, end_of_phone, fields_mask, fields_of, required
from projections.contacts.words import word_id
from projections.position import Level

_LIKE: LiteralString = "SELECT word FROM read.contact_words_like_v1(%s::text[], %s::integer[], %s::integer, %s::text[])"
_SEARCH: LiteralString = """SELECT contact_id, score, matched FROM read.search_contacts_v1(
    %s::bigint[], %s::smallint[], %s::real[], %s::smallint[], %s, %s::integer, %s::integer, %s::integer,
    %s::integer, %s::uuid[], %s::smallint, %s::jsonb, %s::bigint[])"""
_SELECT: LiteralString = (
    "SELECT contact_id FROM read.select_contacts_v1(%s::jsonb, %s::jsonb, %s::jsonb, %s::uuid[], %s::integer)"
)

_MOST_VARIANTS = 100
_MOST_OF_SHORT = 20
_OUTSIDE_NAME = 0.9
_ONE_TYPO = 0.55


class _Variants(Struct):
    """Columns of the arguments of read.search_contacts_v1: words that do for the ones asked for."""

    ids: list[int] = []
    parts: list[int] = []
    weights: list[float] = []
    tiers: list[int] = []
    also: list[int] = []

    def add(self, number: int, part: int, weight: float) -> None:
        """The word in a name (odd) and elsewhere (even)."""
        self.ids += (number | 1, number)
        self.weights += (weight, weight * _OUTSIDE_NAME)
        self.parts += [part] * 2
        self.tiers += [_tier(weight)] * 2
        self.also += [0] * 2

    def add_both(self, one: int, other: int, part: int, weight: float) -> None:
        """Two words that a contact has to have both, in names or elsewhere."""
        for pair in product((one, one | 1), (other, other | 1)):
            self.ids += pair
            self.also += pair[::-1]
        self.weights += [weight * _OUTSIDE_NAME] * 8
        self.parts += [part] * 8
        self.tiers += [_tier(weight)] * 8

    def fitting(self, asked: int, hidden: frozenset[str]) -> conditions.Tree:
        """What contacts have that fit: a word for each part, or for all but as many as may be missing."""
        mask = fields_mask(hidden) if hidden else None
        numbers: list[list[int]] = [[] for _ in range(asked)]
        pairs: list[list[conditions.Tree]] = [[] for _ in range(asked)]
        for number, part, also in zip(self.ids, self.parts, self.also, strict=True):
            if not also:
                numbers[part - 1].append(number)
            elif number < also:
                pairs[part - 1].append(conditions.every(conditions.one_of([each]) for each in (number, also)))
        parts = [
            conditions.some([conditions.one_of(each, mask), *both]) for each, both in zip(numbers, pairs, strict=True)
        ]
        if required(asked) == asked:
            return conditions.every(parts)
        return conditions.some(conditions.every((*parts[:n], *parts[n + 1 :])) for n in range(asked))

    def forget_names(self) -> None:
        """Let words count no more for being in a name."""
        self.weights[::2] = self.weights[1::2]


class PostgresContactSearch:
    """Implements projections.contacts.search.ContactSearch in two short queries: close words, then contacts."""

    backend: Backend = "postgres"

    def __init__(self, reads: TenantReads) -> None:
        self._reads = reads

    async def search(self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None) -> Sequence[Hit]:
        """See the port."""
        words = asked(sought.text) if sought.text is not None else ()
        if sought.text is not None and not words:
            return ()
        variants = await self._variants(tenant_id, words, at_least, sought.within)
        if len(set(variants.parts)) < required(len(words)):
            return ()
        if sought.order:
            return await self._in_order(tenant_id, sought, words, variants, at_least)
        limit = min(sought.limit, DEEPEST - sought.offset)
        return await self._best(tenant_id, sought, words, variants, limit, at_least) if limit > 0 else ()

    async def _best(
        self,
        tenant_id: UUID,
        sought: Sought,
        words: Sequence[str],
        variants: _Variants,
        limit: int,
        at_least: Level | None,
    ) -> Sequence[Hit]:
        """The best that fit the text."""
        within, count = sought.within, len(set(variants.parts))
        if "name" in within.hidden:
            variants.forget_names()
        if within != EVERYTHING or sought.where:
            # That nobody has a word must look the same as that somebody else has it: all of them count.
            count = len(words)
        wanted = _json(conditions.tree(tenant_id, sought.where)) if sought.where else None
        parameters = (
            *(variants.ids, variants.parts if count == len(words) else _dense(variants.parts)),
            *(variants.weights, variants.tiers),
            *(count > required(len(words)), sought.offset, limit, DEEPEST, count),
            None if within.owners is None else list(within.owners),
            fields_mask(within.hidden) if within.hidden else None,
            wanted,
            variants.also,
        )
        rows = await self._rows(tenant_id, _SEARCH, parameters, at_least)
        if not sought.where:
            return [Hit(id=contact_id, score=score, matched=fields_of(mask)) for contact_id, score, mask in rows]
        contacts = await self._contacts(tenant_id, [row[0] for row in rows], at_least)
        return [
            completed(sought, contacts[contact_id], score, fields_of(mask))
            for contact_id, score, mask in rows
            if contact_id in contacts
        ]

    async def _in_order(
        self,
        tenant_id: UUID,
        sought: Sought,
        words: Sequence[str],
        variants: _Variants,
        at_least: Level | None,
    ) -> Sequence[Hit]:
        """Those that come next in an order."""
        wanted = [sought.where] if sought.where else []
        if sought.after:
            wanted.append(contact_filters.after(sought.order, sought.after))
        fits = [variants.fitting(len(words), sought.within.hidden)] if words else []
        nearby = conditions.near(tenant_id, sought.where) if sought.where else None
        close = [*fits, nearby] if nearby else fits
        parameters = (
            _json(conditions.every([*fits, *(conditions.tree(tenant_id, each) for each in wanted)])),
            _json(conditions.every(close)) if close else None,
            _json([structs.asdict(key) for key in contact_filters.keys_of(sought.order)]),
            None if sought.within.owners is None else list(sought.within.owners),
            sought.limit,
        )
        rows = await self._rows(tenant_id, _SELECT, parameters, at_least)
        contacts = await self._contacts(tenant_id, [row[0] for row in rows], at_least)
        return [explained(sought, contacts[contact_id]) for (contact_id,) in rows if contact_id in contacts]

    async def _contacts(self, tenant_id: UUID, ids: Sequence[UUID], at_least: Level | None) -> dict[UUID, Searchable]:
        if not ids:
            return {}
        try:
            query = partial(contact_rows.by_id, tenant_id=tenant_id, ids=ids)
            found = await self._reads.ask(tenant_id, query, at_least=at_least)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise SearchUnavailableError from error
        return {contact.id: contact for contact in found if contact.text}

    async def _variants(
        self, tenant_id: UUID, words: Sequence[str], at_least: Level | None, within: Within
    ) -> _Variants:
        """For each word asked for, the closest words that the tenant has."""
        plain = [word for word in words if not word.startswith("#")]
        variants = _Variants()
        apart = [list(near.split(words, at)) if not within.hidden else [] for at in range(len(words))]
        exact = {piece for each in apart for pieces, _ in each for piece in pieces}
        exact.update(word for at in range(len(words)) for word in near.joined(words, at))
        exact.update(other for word in plain for other in also_called(word))
        keys = near.near_keys(tenant_id.bytes, plain)
        parameters = (plain, keys, _MOST_VARIANTS, list(exact))
        known = [word for (word,) in await self._rows(tenant_id, _LIKE, parameters, at_least)] if plain else []
        for part in range(1, len(words) + 1):
            _add_like(tenant_id, words, part, known, variants)
            if "phone" not in within.hidden:
                apart[part - 1] += near.abroad(words[part - 1])
            _add_apart(tenant_id, part, apart[part - 1], frozenset(known), variants)
        return variants

    async def _rows(
        self, tenant_id: UUID, query: LiteralString, parameters: tuple[object, ...], at_least: Level | None
    ) -> list[TupleRow]:
        try:
            return await self._reads.rows(tenant_id, query, parameters, at_least=at_least)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise SearchUnavailableError from error


def _dense(parts: Sequence[int]) -> list[int]:
    """Parts without the numbers of words that nothing is like."""
    order = {part: number for number, part in enumerate(dict.fromkeys(parts), start=1)}
    return [order[part] for part in parts]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _add_like(tenant_id: UUID, words: Sequence[str], part: int, known: Sequence[str], variants: _Variants) -> None:
    """The words that are like one that was asked for."""
    word = words[part - 1]
    if end := end_of_phone(word):
        variants.add(word_id(tenant_id, end), part, 1.0 if word.startswith("#") else near.PHONE_END)
    for beginning in at_home(word):
        variants.add(word_id(tenant_id, beginning), part, near.PHONE_BEGINNING)
    if word.startswith("#"):
        return
    if len(word) == 1:
        variants.add(word_id(tenant_id, f"^{word}"), part, near.INITIAL)
    loosely, whole = len(words) > 1, set(near.joined(words, part - 1))
    close = near.like(word, [other for other in known if other not in whole], loosely=loosely)
    # A letter or two begin common words enough to fill any page.
    most = _MOST_VARIANTS if len(word) > 2 else _MOST_OF_SHORT  # noqa: PLR2004
    for weight, other in heapq.nlargest(most, close):
        variants.add(word_id(tenant_id, other), part, weight)
    for other in whole.intersection(known):
        variants.add(word_id(tenant_id, other), part, near.JOINED)


def _add_apart(
    tenant_id: UUID, part: int, apart: Sequence[near.Pieces], known: frozenset[str], variants: _Variants
) -> None:
    """Pairs of words that one may stand for, and that the tenant has; of initials and numbers that is not known."""
    for (one, other), weight in apart:
        if known.issuperset(piece for piece in (one, other) if piece[0] not in "^#"):
            variants.add_both(word_id(tenant_id, one), word_id(tenant_id, other), part, weight)


def _tier(weight: float) -> int:
    """As asked or longer; with a typo, or another name; further off."""
    return 1 if weight >= near.EXACT_OR_BEGINNING else 2 if weight >= _ONE_TYPO else 3
