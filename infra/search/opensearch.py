"""Contact search by OpenSearch."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import OpenSearchException

from infra.search import opensearch_conditions as conditions
from infra.search.opensearch_schema import SALT_LETTERS, contact_of, salt
from projections.contacts import closeness
from projections.contacts import filters as contact_filters
from projections.contacts.closeness import edits, explain
from projections.contacts.dialling import at_home
from projections.contacts.hits import completed, explained
from projections.contacts.nicknames import also_called
from projections.contacts.rows import Searchable
from projections.contacts.search import DEEPEST, EVERYTHING, Backend, Hit, SearchUnavailableError, Sought, Within
from projections.contacts.text import FIELDS, ContactText, asked, end_of_phone, required
from projections.position import Level

_OUTSIDE_NAME = 0.9
_MOST_EXPANSIONS = 100


def open_client(url: str) -> AsyncOpenSearch:
    """A client that tries once: whoever asks has something else to turn to, and a time to answer in."""
    return AsyncOpenSearch(url, max_retries=0, retry_on_timeout=False, timeout=10)


class OpenSearchContactSearch:
    """Implements projections.contacts.search.ContactSearch over the index behind an alias."""

    backend: Backend = "opensearch"

    def __init__(self, client: AsyncOpenSearch, alias: str, *, timeout: float = 1.0) -> None:
        self._client = client
        self._alias = alias
        self._timeout = timeout

    async def search(self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None) -> Sequence[Hit]:
        """See the port. A refresh, which the checkpoint waits for, reaches every copy of a shard."""
        del at_least
        words, within = asked(sought.text or ""), sought.within
        limit = sought.limit if sought.order else min(sought.limit, DEEPEST - sought.offset)
        if limit <= 0 or (sought.text is not None and (not words or within.hidden.issuperset(FIELDS))):
            return ()
        found = await self._ask(tenant_id, _body(tenant_id, words, sought) | {"size": limit})
        if sought.order:
            return [explained(sought, contact_of(hit["_source"])) for hit in found["hits"]["hits"]]
        return [
            _scored(sought, words, contact_of(source), score)
            for source, score in ((hit["_source"], hit["_score"]) for hit in found["hits"]["hits"])
        ]

    async def _ask(self, tenant_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._timeout):
                found: dict[str, Any] = await self._client.search(
                    index=self._alias, body=body, params={"routing": str(tenant_id), "request_timeout": self._timeout}
                )
        except (OpenSearchException, TimeoutError, OSError) as error:
            raise SearchUnavailableError(type(error).__name__) from error
        if found["timed_out"] or found["_shards"]["failed"]:
            raise SearchUnavailableError("partial answer")
        return found

    async def is_ready(self) -> bool:
        """Whether the index is there, has once held everything that the log held then, and takes what is new.

        A store whose disk is nearly full blocks its indexes for writing.
        """
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._client.indices.get(index=self._alias)
        except (OpenSearchException, TimeoutError, OSError):
            return False
        return all(_is_level(index["mappings"]) and not _is_blocked(index["settings"]) for index in found.values())


def _is_level(mappings: dict[str, Any]) -> bool:
    return bool(mappings.get("_meta", {}).get("state") == "level")


def _is_blocked(settings: dict[str, Any]) -> bool:
    return "true" in settings["index"].get("blocks", {}).values()


def _scored(sought: Sought, words: Sequence[str], contact: Searchable, score: float) -> Hit:
    seen = (contact.text or ContactText()).without(sought.within.hidden)
    return completed(sought, contact, score / len(words), explain(words, seen, split_too=not sought.within.hidden)[1])


def _body(tenant_id: UUID, words: Sequence[str], sought: Sought) -> dict[str, Any]:
    """The body of a search for what is sought."""
    body = query(tenant_id, words, sought.within)
    body["_source"] = ["id", "text", "values"] if sought.where or sought.order else ["id", "text"]
    wanted = body["query"]["bool"]["filter"]
    if sought.where:
        wanted.append(conditions.clause(tenant_id, sought.where))
    if not sought.order:
        return body | {"from": sought.offset}
    if not words:
        # Tombstones have no words, and nothing that could be asked of them either but what they lack.
        wanted.append({"term": {"deleted": False}})
    after = conditions.search_after(sought.order, sought.after) if sought.after else None
    if after:
        body["search_after"] = after
    elif sought.after:
        wanted.append(conditions.clause(tenant_id, contact_filters.after(sought.order, sought.after)))
    return body | {"sort": conditions.sort(sought.order)}


def query(tenant_id: UUID, words: Sequence[str], within: Within = EVERYTHING) -> dict[str, Any]:
    """The body of a search: each word by its closest form, the score the sum; ties go to who has fewer words.

    Where fields are hidden, the others are asked one by one, and how many words there are in all is not asked.
    """
    fields = {"name": 1.0, "all": _OUTSIDE_NAME}
    ties: list[dict[str, str]] = [{"size": "asc"}, {"id": "asc"}]
    if within.hidden:
        seen = (field for field in FIELDS if field not in within.hidden)
        fields = {field: 1.0 if field == "name" else _OUTSIDE_NAME for field in seen}
        ties = ties[1:]
    begin = salt(tenant_id)
    filters: list[dict[str, Any]] = [{"term": {"tenant_id": str(tenant_id)}}]
    if within.owners is not None:
        filters.append({"terms": {"owner_id": [str(owner_id) for owner_id in within.owners]}})
    return {
        "query": {
            "bool": {
                "filter": filters,
                "should": [
                    {"dis_max": {"queries": list(_forms(begin, words, at, fields, split_too=not within.hidden))}}
                    for at in range(len(words))
                ],
                "minimum_should_match": required(len(words)),
            }
        },
        "sort": ["_score", *ties],
        "_source": ["id", "text"],
        "track_total_hits": False,
    }


def _forms(
    begin: str, words: Sequence[str], at: int, fields: Mapping[str, float], *, split_too: bool
) -> Iterator[dict[str, Any]]:
    """What a word may have been meant to be, closest form by form."""
    word, loosely = words[at], len(words) > 1
    others = [begin + other for other in also_called(word)]
    whole = [begin + other for other in closeness.joined(words, at)]
    end, beginnings = end_of_phone(word), [begin + other for other in at_home(word)]
    for field, weight in fields.items():
        yield _constant({"term": {field: begin + (end if end and word[0] == "#" else word)}}, weight)
        if beginnings:
            yield _constant({"terms": {field: beginnings}}, closeness.PHONE_BEGINNING * weight)
        yield _constant({"term": {f"{field}.begin": begin + word}}, 0.8 * weight)
        if whole:
            yield _constant({"terms": {field: whole}}, closeness.JOINED * weight)
        if others:
            yield _constant({"terms": {field: others}}, closeness.NICKNAME * weight)
        if end and word[0] != "#":
            yield _constant({"term": {field: begin + end}}, closeness.PHONE_END * weight)
    abroad = closeness.abroad(word) if "all" in fields or "phone" in fields else ()
    for pieces, weight in (*(closeness.split(words, at) if split_too else ()), *abroad):
        both = [{"term": _piece(begin, piece)} for piece in pieces]
        yield _constant({"bool": {"filter": both}}, weight * _OUTSIDE_NAME)
    # Looking for typos costs most: once in all fields, where all may be searched, and in a beginning at the end only.
    for field, weight in fields.items() if "all" not in fields else [("all", fields["all"])]:
        for distance in range(1, edits(word, loosely=loosely) + 1):
            close = 0.8 - 0.2 * distance if distance <= edits(word) else closeness.TWO_TYPOS_IN_FEW
            yield _constant(_fuzzy(field, begin + word, distance), close * weight)
        if edits(word) and len(word) > 3 and at == len(words) - 1:  # noqa: PLR2004
            yield _constant(_fuzzy(f"{field}.begin", begin + word, 1), 0.3 * weight)


def _piece(begin: str, piece: str) -> dict[str, str]:
    return {"name.begin": begin + piece[1:]} if piece[0] == "^" else {"all": begin + piece}


def _constant(form: dict[str, Any], weight: float) -> dict[str, Any]:
    """A form's weight, whatever it matched and how often: several close words don't make a closer one."""
    return {"constant_score": {"filter": form, "boost": weight}}


def _fuzzy(field: str, word: str, distance: int) -> dict[str, Any]:
    options = {
        "value": word,
        "fuzziness": distance,
        "prefix_length": SALT_LETTERS,
        "max_expansions": _MOST_EXPANSIONS,
    }
    return {"fuzzy": {field: options}}
