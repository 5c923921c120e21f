"""The index of contacts in OpenSearch: made, written, and made anew beside the old one."""

import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from uuid import UUID

import msgspec
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import NotFoundError, OpenSearchException, RequestError

from infra.search.opensearch_schema import VERSION, document, document_id, index_body
from projections.contacts.index import IndexUnavailableError, State, Writer
from projections.contacts.rows import Searchable

_BULK = 400
_CONFLICT = 409


def alias_of(incarnation: UUID) -> str:
    """The name to search by: a restored installation begins with an index of its own."""
    return f"{_prefix(incarnation)}contacts-v{VERSION}"


def _prefix(incarnation: UUID) -> str:
    return f"rapport-{incarnation.hex[:12]}-"


class OpenSearchWriter:
    """Implements projections.contacts.index.Writer for one index, or the one behind an alias."""

    def __init__(self, client: AsyncOpenSearch, target: str, *, require_alias: bool) -> None:
        self._client = client
        self._target = target
        # Never let a write make an index by itself: it would lack the mapping.
        self._require_alias = require_alias

    async def write(self, tenant_id: UUID, contacts: Sequence[Searchable]) -> None:
        """See the port."""
        for start in range(0, len(contacts), _BULK):
            lines = [line for contact in contacts[start : start + _BULK] for line in _lines(tenant_id, contact)]
            params = (
                {"routing": str(tenant_id), "require_alias": "true"}
                if self._require_alias
                else {"routing": str(tenant_id)}
            )
            with _unavailable_as_such():
                answer = await self._client.bulk(body=b"\n".join([*lines, b""]), index=self._target, params=params)
            _check(answer)

    async def refresh(self) -> None:
        """See the port."""
        with _unavailable_as_such():
            await self._client.indices.refresh(index=self._target)


class OpenSearchContactIndex(OpenSearchWriter):
    """Implements projections.contacts.index.ContactIndex. Indexes of former incarnations go when this one's is made."""

    def __init__(self, client: AsyncOpenSearch, alias: str, *, shards: int = 1, former: Collection[UUID] = ()) -> None:
        super().__init__(client, alias, require_alias=True)
        self._alias = self.alias = alias
        self._shards = shards
        self._former = former

    async def ensure(self) -> State:
        """See the port."""
        with _unavailable_as_such():
            await self._supersede()
            states = await self._states()
            if not states:
                await self._drop_former()
                await self._create(aliased=True)
                states = await self._states()
        return next(iter(states.values()), "new")

    async def mark(self, state: State) -> None:
        """See the port."""
        with _unavailable_as_such():
            await self._client.indices.put_mapping(index=self._alias, body={"_meta": {"state": state}})
            if state == "level":
                await self._drop_older_versions()

    async def purge(self, older_than: float) -> int:
        """See the port."""
        conditions = [{"term": {"deleted": True}}, {"range": {"deleted_at": {"lte": int(time.time() - older_than)}}}]
        with _unavailable_as_such():
            await self._drop_older_versions()
            # One that is written again meanwhile is newer, and stays.
            answer = await self._client.delete_by_query(
                index=self._alias, body={"query": {"bool": {"filter": conditions}}}, params={"conflicts": "proceed"}
            )
        return int(answer["deleted"])

    @asynccontextmanager
    async def recreated(self) -> AsyncIterator[Writer]:
        """See the port."""
        with _unavailable_as_such():
            old = list(await self._states())
            await self._drop_leftovers(old)
            fresh = await self._create(aliased=False)
        try:
            yield OpenSearchWriter(self._client, fresh, require_alias=False)
            with _unavailable_as_such():
                await self._client.indices.refresh(index=fresh)
                await self._client.indices.put_mapping(index=fresh, body={"_meta": {"state": "level"}})
                await self._move_alias(old, fresh)
        except BaseException:
            with suppress(OpenSearchException, OSError):
                await self._client.indices.delete(index=fresh)
            raise

    async def _states(self) -> dict[str, State]:
        """The index behind the alias with how full it is; none when it isn't there."""
        try:
            found = await self._client.indices.get_mapping(index=self._alias)
        except NotFoundError:
            return {}
        return {name: _state(index) for name, index in found.items()}

    async def _create(self, *, aliased: bool) -> str:
        known = await self._client.indices.get(index=f"{self._alias}-*", params={"expand_wildcards": "all"})
        name = f"{self._alias}-{max((int(name.rpartition('-')[2]) for name in known), default=0) + 1}"
        body = index_body(self._shards) | ({"aliases": {self._alias: {}}} if aliased else {})
        try:
            await self._client.indices.create(index=name, body=body)
        except RequestError as error:
            # Another process made it at the same time; the same body, so all is well.
            if error.error != "resource_already_exists_exception" or not aliased:
                raise
        return name

    async def _drop_former(self) -> None:
        for incarnation in self._former:
            for name in await self._client.indices.get(index=f"{_prefix(incarnation)}*"):
                await self._client.indices.delete(index=name)

    async def _older_versions(self) -> dict[str, State]:
        """This incarnation's indexes of older versions of the schema, with how full they say they are."""
        prefix, _, own = self._alias.rpartition("-v")
        found = await self._client.indices.get(index=f"{prefix}-v*")
        return {
            name: _state(index)
            for name, index in found.items()
            if int(name.removeprefix(f"{prefix}-v").partition("-")[0]) < int(own)
        }

    async def _supersede(self) -> None:
        """Have processes of older versions search elsewhere, unless their own indexer keeps saying it is level."""
        for name, state in (await self._older_versions()).items():
            if state == "level":
                with suppress(NotFoundError):  # somebody else has just dropped it
                    await self._client.indices.put_mapping(index=name, body={"_meta": {"state": "filling"}})

    async def _drop_older_versions(self) -> None:
        for name in await self._older_versions():
            with suppress(NotFoundError):
                await self._client.indices.delete(index=name)

    async def _drop_leftovers(self, in_use: Sequence[str]) -> None:
        """What an interrupted rebuild left."""
        for name in await self._client.indices.get(index=f"{self._alias}-*"):
            if name not in in_use:
                await self._client.indices.delete(index=name)

    async def _move_alias(self, old: Sequence[str], fresh: str) -> None:
        """One step for those who search: the old index goes as the alias comes."""
        actions: list[dict[str, Any]] = [{"remove_index": {"index": name}} for name in old]
        actions.append({"add": {"index": fresh, "alias": self._alias}})
        await self._client.indices.update_aliases(body={"actions": actions})


def _state(index: dict[str, Any]) -> State:
    state: State = index["mappings"].get("_meta", {}).get("state", "new")
    return state


def _lines(tenant_id: UUID, contact: Searchable) -> tuple[bytes, bytes]:
    """One write of a bulk. A newer version of the document wins, in whatever order writes arrive."""
    head = {"_id": document_id(tenant_id, contact.id), "version": contact.position, "version_type": "external_gte"}
    body = document(tenant_id, contact)
    if contact.text is None:
        # Its age decides when it may go.
        body["deleted_at"] = int(time.time())
    return msgspec.json.encode({"index": head}), msgspec.json.encode(body)


def _check(answer: dict[str, Any]) -> None:
    """Raises IndexUnavailableError unless each document is there, or a newer one is."""
    if not answer["errors"]:
        return
    for item in answer["items"]:
        outcome = item["index"]
        if outcome["status"] >= 300 and outcome["status"] != _CONFLICT:  # noqa: PLR2004
            raise IndexUnavailableError(f"{outcome['status']} {outcome.get('error', {}).get('type')}")


@contextmanager
def _unavailable_as_such() -> Iterator[None]:
    """Turn the client's errors into the port's one."""
    try:
        yield
    except (OpenSearchException, OSError) as error:
        raise IndexUnavailableError(f"{type(error).__name__} {getattr(error, 'error', '')}".strip()) from error
