"""Contact search by Postgres alone, over the words that projections.contact_words keeps."""

import heapq
from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from infra.postgres import TenantReads
from projections import closeness as near
from projections.contact_search import DEEPEST, EVERYTHING, Backend, Hit, SearchUnavailableError, Sought
from projections.contact_text import asked, fields_mask, fields_of, required
from projections.contact_words import word_id
from projections.position import Level

_LIKE: LiteralString = "SELECT word FROM read.contact_words_like_v1(%s::text[], %s::integer[], %s::integer)"
_SEARCH: LiteralString = """SELECT contact_id, score, matched FROM read.search_contacts_v1(
    %s::bigint[], %s::smallint[], %s::real[], %s::smallint[], %s, %s::integer, %s::integer, %s::integer,
    %s::integer, %s::uuid[], %s::smallint)"""

_MOST_VARIANTS = 100
_MOST_OF_SHORT = 20
_OUTSIDE_NAME = 0.9


class _Variants(Struct):
    """Columns of the arguments of read.search_contacts_v1: words that do for the ones asked for."""

    ids: list[int] = []
    parts: list[int] = []
    weights: list[float] = []
    tiers: list[int] = []

    def add(self, number: int, part: int, weight: float) -> None:
        """The word in a name (odd) and elsewhere (even)."""
        self.ids += (number | 1, number)
        self.parts += (part, part)
        self.weights += (weight, weight * _OUTSIDE_NAME)
        self.tiers += [1 if weight >= near.EXACT_OR_BEGINNING else 2] * 2

    def forget_names(self) -> None:
        """Let words count no more for being in a name."""
        self.weights[::2] = self.weights[1::2]


class PostgresContactSearch:
    """Implements projections.contact_search.ContactSearch in two short queries: close words, then contacts."""

    backend: Backend = "postgres"

    def __init__(self, reads: TenantReads) -> None:
        self._reads = reads

    async def search(self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None) -> Sequence[Hit]:
        """See the port."""
        words, within = asked(sought.text), sought.within
        limit = min(sought.limit, DEEPEST - sought.offset)
        if not words or limit <= 0:
            return ()
        variants = await self._variants(tenant_id, words, at_least)
        if "name" in within.hidden:
            variants.forget_names()
        count = len(set(variants.parts))
        if count < required(len(words)):
            return ()
        if within != EVERYTHING:
            # That nobody has a word must look the same as that somebody else has it: all of them count.
            count = len(words)
        parameters = (
            *(variants.ids, variants.parts if count == len(words) else _dense(variants.parts)),
            *(variants.weights, variants.tiers),
            *(count > required(len(words)), sought.offset, limit, DEEPEST, count),
            None if within.owners is None else list(within.owners),
            fields_mask(within.hidden) if within.hidden else None,
        )
        rows = await self._rows(tenant_id, _SEARCH, parameters, at_least)
        return [Hit(id=contact_id, score=score, matched=fields_of(mask)) for contact_id, score, mask in rows]

    async def _variants(self, tenant_id: UUID, words: Sequence[str], at_least: Level | None) -> _Variants:
        """For each word asked for, the closest words that the tenant has."""
        plain = [word for word in words if not word.startswith("#")]
        keys = near.near_keys(tenant_id.bytes, plain)
        known = await self._rows(tenant_id, _LIKE, (plain, keys, _MOST_VARIANTS), at_least) if plain else []
        variants = _Variants()
        for part, word in enumerate(words, start=1):
            if word.startswith("#"):
                variants.add(word_id(tenant_id, word), part, 1.0)
                continue
            close = ((near.closeness(word, other), other) for (other,) in known)
            # A letter or two begin common words enough to fill any page.
            most = _MOST_VARIANTS if len(word) > 2 else _MOST_OF_SHORT  # noqa: PLR2004
            for weight, other in heapq.nlargest(most, (c for c in close if c[0])):
                variants.add(word_id(tenant_id, other), part, weight)
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
