"""Whether the values that are there fit what a custom field is to be, and the claims of those that become unique.

From the moment that a change has begun, whatever is written fits before and after it (values.py), and
its unique values are claimed. So what was there before is all that has to be looked through, page by page, while others
go on writing; their appends wait no longer than for the claims of one page.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from commands.custom_fields.definitions import lost
from commands.custom_fields.types import fits
from commands.custom_fields.values import claim_kind, claimed
from commands.decision import Context
from commands.handle import TRIES
from commands.ports import Append, Claim, ClaimTakenError, Clock, EventStore, Expected, NewId, VersionConflictError
from commands.refusals import contention
from domain.custom_field import CustomField, Held, Rule
from domain.errors import DomainError

MOST_TOLD = 20
"""Ids of records in an answer."""


class Values(Protocol):
    """The values that records have of one field, deleted records apart."""

    async def settle(self, position: int) -> None:
        """Wait until what is read includes a position. Raises DomainError when that takes too long."""
        ...

    async def page(self, after: UUID | None, limit: int) -> Sequence[Held]:
        """The next ones, in the order of their records' ids."""
        ...

    async def repeated(self, most: int) -> Sequence[Held]:
        """Two of each value that several records have, of so many such values."""
        ...


class Check(Struct, frozen=True, kw_only=True):
    """One look through the values of a field.

    `sees` says of which records the caller may be told. It takes `seconds`, and a page at least.
    """

    field: CustomField
    rule: Rule
    values: Values
    sees: Callable[[Held], bool]
    context: Context
    store: EventStore
    clock: Clock
    new_id: NewId
    page_size: int = 500
    seconds: float = 20.0

    async def require_fit(self, position: int, *, claim: bool) -> None:
        """Let no change through that values which were there by a position don't fit; claim those that become unique.

        Raises:
            DomainError: custom_field.values_unfit, custom_field.not_unique, or custom_field.checking when the time was
                not enough: what is claimed by then is found when it is asked for again.
        """
        until = time.monotonic() + self.seconds
        await self.values.settle(position)
        if self.rule.unique and (found := await self.values.repeated(MOST_TOLD // 2)):
            raise self._not_unique(found)
        after, count, unfit = None, 0, list[Held]()
        while page := await self.values.page(after, self.page_size):
            after = page[-1].id
            if lost(self.field, self.rule):
                bad = [each for each in page if not fits(self.rule, each.value)]
                count += len(bad)
                unfit = (unfit + [each for each in bad if self.sees(each)])[:MOST_TOLD]
            if self.rule.unique and claim and not count:
                await self._claim(page)
            if time.monotonic() >= until:
                raise self._late()
        if count:
            raise self._unfit(count, unfit)

    async def _claim(self, page: Sequence[Held]) -> None:
        """Claim the values of a page for their records, as these are; when one has changed they are read again."""
        before, last = UUID(int=page[0].id.int - 1), page[-1].id
        for _ in range(TRIES):
            try:
                await self._take(page)
            except (VersionConflictError, ClaimTakenError):
                await self.values.settle(await self.store.head(self.context.tenant_id))
                page = [each for each in await self.values.page(before, self.page_size) if each.id <= last]
            else:
                return
        raise contention()

    async def _take(self, page: Sequence[Held]) -> None:
        kind, tenant_id = claim_kind(self.field, self.rule), self.context.tenant_id
        wanted = [(each, (kind, claimed(self.rule, each.value))) for each in page]
        holders = dict(await self.store.holders(tenant_id, {asked for _, asked in wanted}))
        free = [(each, asked) for each, asked in wanted if asked not in holders]
        for each, asked in wanted:
            if holders.setdefault(asked, each.id) != each.id:
                raise self._not_unique([each, *(other for other in page if other.id == holders[asked])])
        if free:
            await self.store.append(
                Append(
                    tenant_id=tenant_id,
                    command_id=self.new_id(),
                    metadata=self.context.metadata,
                    streams=(),
                    occurred_at=self.clock(),
                    claims=tuple(Claim(tenant_id, *asked, each.id) for each, asked in free),
                    expects=tuple(Expected(each.id, each.version) for each, _ in free),
                )
            )

    def _told(self, records: Sequence[Held]) -> list[str]:
        return [str(each.id) for each in records if self.sees(each)][:MOST_TOLD]

    def _unfit(self, count: int, records: Sequence[Held]) -> DomainError:
        return DomainError(
            "custom_field.values_unfit",
            f"{count} records have values that don't fit this",
            hint="Change or clear those values first, or define another field.",
            members={"ids": self._told(records), "count": count},
        )

    def _not_unique(self, records: Sequence[Held]) -> DomainError:
        return DomainError(
            "custom_field.not_unique",
            "records have the same value as others",
            hint="Change or clear one value of each two first; ids has some of the records.",
            members={"ids": self._told(records)},
        )

    def _late(self) -> DomainError:
        return DomainError(
            "custom_field.checking",
            f"{self.seconds:g} seconds were not enough to look through all values",
            hint="Send the same request again, until it is done: it goes on where it stopped.",
        )
