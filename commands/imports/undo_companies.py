"""Taking an import back, after its contacts: companies that it made are deleted where nobody else needs them.

One that somebody has changed since, that a contact works for, that another belongs to, or that something was noted
about stays as it is, and is listed.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from commands.batch.batches import Batches
from commands.batch.items import Asked, ByKey, Matching
from commands.batch.results import Result
from commands.companies.input import DeleteCompany
from commands.decision import Context, Lookup
from commands.imports.errors import RowError, packed
from commands.imports.ports import UNDO, Parts, StoppedError
from commands.ports import EventStore, StreamEvents
from commands.registry import DELETE_COMPANY
from domain.company import Company, CompanyRegistered, evolve
from domain.event import Event, Recorded
from domain.imports import Import, ImportUndoAdvanced, ImportUndone, UndoCounts

_PAGE = 500
_ID = "company.id"


class Uses(Protocol):
    """What records have to do with companies, from the read models."""

    async def used(self, tenant_id: UUID, company_ids: Collection[UUID], position: int) -> Collection[UUID]:
        """Those of some companies that others have to do with, as of a position of the log or later.

        Raises:
            StoppedError: the read models do not include the position yet.
        """
        ...


class UndoingCompanies(Struct, frozen=True):
    """What companies are taken back with. `allowed` is whether the caller may write contacts' companies."""

    store: EventStore
    parts: Parts
    batches: Batches
    context: Context
    uses: Uses
    allowed: bool

    async def go_on(
        self, state: Import, first: int, last: int, version: Callable[[], Awaitable[int]]
    ) -> tuple[Event, ...]:
        """Take back a page of what it made between two positions of the log; what that adds to the import's stream.

        Raises:
            StoppedError: another worker is ahead, somebody changes a company right now, or read models are late.
        """
        after = max(state.companies_undone_to, first - 1)
        page = await self.store.read(self.context.tenant_id, after=after, limit=_PAGE)
        page = [item for item in page if item.position <= last]
        until = page[-1].position if len(page) == _PAGE else last
        companies = await self._made(page, f"import:{state.id}")
        refused = await self._refused(companies)
        there = [company for company in companies if company.id not in refused]
        events: list[Event] = []

        async def closing(results: Sequence[Result]) -> Sequence[StreamEvents]:
            listed = [*refused.values(), *_told(there, results)]
            if listed:
                await self.parts.put(self.context.tenant_id, state.id, UNDO, state.version, packed(listed))
            if await version() != state.version:
                raise StoppedError
            counts = UndoCounts(companies=sum(bool(result.events) for result in results), refused=len(listed))
            events[:] = [ImportUndoAdvanced(position=until, counts=counts, companies=True)]
            if until >= last:
                events.append(ImportUndone())
            return (StreamEvents(state.id, state.version, tuple(events)),)

        matching = Matching(kind="company", evolve=evolve, find=_find, seen=_keys)
        await self.batches.handle(self.context, [_item(each) for each in there], matching=matching, closing=closing)
        return tuple(events)

    async def _made(self, page: Sequence[Recorded[Event]], mark: str) -> list[Company]:
        """The companies that the import made in this page, and that are there."""
        ids = {item.stream_id for item in page if _is_made(item, mark)}
        states: dict[UUID, Company] = {}
        for item in await self.store.load_several(self.context.tenant_id, dict.fromkeys(ids, 0)) if ids else ():
            before = states.get(item.stream_id)
            states[item.stream_id] = evolve(before, item.event, stream_id=item.stream_id, at=item.recorded_at)
        return [company for company in states.values() if company.deleted_at is None]

    async def _refused(self, companies: Sequence[Company]) -> dict[UUID, RowError]:
        """Why companies stay."""
        ids = [company.id for company in companies]
        used: Collection[UUID] = ()
        if ids:
            head = await self.store.head(self.context.tenant_id)
            used = await self.uses.used(self.context.tenant_id, ids, head)
        found = {}
        for company in companies:
            if not self.allowed:
                found[company.id] = _refusal(
                    company.id, "permission.missing", "may not be written by who takes it back"
                )
            elif company.version > 1:
                found[company.id] = _refusal(company.id, "import.changed_since", "was changed since")
            elif company.id in used:
                found[company.id] = _refusal(company.id, "import.company_used", "is used by others")
        return found


def makes_companies(state: Import) -> bool:
    """Whether an import may have made companies: else nobody need look for them."""
    return "company" in state.mapping.values()


def _is_made(item: Recorded[Event], mark: str) -> bool:
    return item.metadata.causation_id == mark and isinstance(item.event, CompanyRegistered)


def _item(company: Company) -> ByKey:
    def asks(states: Sequence[Company]) -> Asked:
        now = next(iter(states), None)
        if now is None or now.version != company.version:
            raise StoppedError
        return Asked(case=DELETE_COMPANY, command=DeleteCompany(), stream_id=company.id)

    return ByKey(keys=tuple(_keys(company)), asks=asks)


def _keys(company: Company) -> Sequence[Lookup]:
    return ((_ID, str(company.id)),)


async def _find(_: UUID, keys: Any) -> Mapping[Lookup, Sequence[UUID]]:
    return {key: [UUID(key[1])] for key in keys}


def _refusal(company_id: UUID, code: str, why: str) -> RowError:
    text = f"company {company_id} {why}, and stays as it is"
    return RowError(0, "company", code, text, "Delete it by hand, if that is what is wanted.", str(company_id))


def _told(companies: Sequence[Company], results: Sequence[Result]) -> list[RowError]:
    """Companies that could not be deleted."""
    return [
        _refusal(company.id, result.error.code, f"can't be deleted: {result.error.detail}")
        for company, result in zip(companies, results, strict=True)
        if result.error
    ]
