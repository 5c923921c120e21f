"""A change of a custom field that values which are there might not fit: begun, looked through, then made or dropped.

From the moment that it has begun, whatever is written fits before and after it (commands/custom_values.py), and its
unique values are claimed. So what was there before is all that has to be looked through, page by page, while others go
on writing; their appends wait no longer than for the claims of one page.
"""

import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from api.http.exchange import HttpRequest, metadata_of, principal_of, services_of
from api.http.read_after import settled
from commands.custom_fields import lost
from commands.custom_values import claim_kind, claimed, fits
from commands.handle import TRIES, contention
from commands.ports import Append, Claim, ClaimTakenError, Expected, VersionConflictError
from commands.sight import SEEING
from commands.visible import CONTACTS, view_of
from domain.custom_field import CustomField, Rule
from domain.errors import DomainError
from projections import custom_values
from projections.custom_values import CHECKPOINTS, Held
from projections.position import Level

SECONDS = 20.0
"""So long values are looked through in one request."""
_PAGE = 500
_MOST_TOLD = 20


async def require_fit(request: HttpRequest, field: CustomField, rule: Rule, position: int, *, claim: bool) -> None:
    """Let no change through that values which were there by a position don't fit; claim those that are to be unique.

    Raises:
        DomainError: custom_field.values_unfit, custom_field.not_unique, or custom_field.checking when the time was not
            enough; read_after.timeout.
    """
    if field.kind not in CHECKPOINTS:
        return
    looking = _Looking(request, field, rule)
    await looking.settle(position)
    if rule.unique:
        await looking.refuse_repeated()
    after, unfit = None, list[Held]()
    while page := await looking.page(after):
        after = page[-1].id
        if lost(field, rule):
            unfit += [each for each in page if not fits(rule, each.value)]
        if rule.unique and claim and not unfit:
            await looking.claim(page)
        looking.refuse_late()
    if unfit:
        raise _refusal(
            "custom_field.values_unfit",
            f"{len(unfit)} records have values that don't fit this",
            "Change or clear those values first, or define another field.",
            looking.told(unfit),
            len(unfit),
        )


class _Looking:
    """Through the values of one field."""

    def __init__(self, request: HttpRequest, field: CustomField, rule: Rule) -> None:
        self._request = request
        self._services = services_of(request)
        self._caller = principal_of(request)
        self._field = field
        self._rule = rule
        self._level: Level | None = None
        self._until = time.monotonic() + SECONDS

    async def settle(self, position: int) -> None:
        """Wait for what is read to include a position."""
        self._level = await settled(self._request, CHECKPOINTS[self._field.kind], at_least=position)

    async def page(self, after: UUID | None) -> list[Held]:
        """The next values."""
        query = partial(custom_values.page, tenant_id=self._caller.tenant_id, kind=self._field.kind)
        query = partial(query, key=self._field.key, after=after, limit=_PAGE)
        return await self._services.reads.ask(self._caller.tenant_id, query, at_least=self._level)

    async def refuse_repeated(self) -> None:
        """Tell soon, and of several values at once, that they are not unique."""
        query = partial(custom_values.repeated, tenant_id=self._caller.tenant_id, kind=self._field.kind)
        query = partial(query, key=self._field.key, most=_MOST_TOLD // 2)
        if found := await self._services.reads.ask(self._caller.tenant_id, query, at_least=self._level):
            raise self._not_unique(found)

    async def claim(self, page: Sequence[Held]) -> None:
        """Claim the values of a page for their records, as these are; changed ones are read again."""
        before = UUID(int=page[0].id.int - 1)
        for _ in range(TRIES):
            try:
                await self._take(page)
            except (VersionConflictError, ClaimTakenError):
                await self.settle(await self._services.store.head(self._caller.tenant_id))
                page = [each for each in await self.page(before) if each.id <= page[-1].id]
            else:
                return
        raise contention()

    async def _take(self, page: Sequence[Held]) -> None:
        kind, tenant_id = claim_kind(self._field, self._rule), self._caller.tenant_id
        wanted = [(each, (kind, claimed(self._rule, each.value))) for each in page]
        holders = dict(await self._services.store.holders(tenant_id, {asked for _, asked in wanted}))
        free = [(each, asked) for each, asked in wanted if asked not in holders]
        for each, asked in wanted:
            if holders.setdefault(asked, each.id) != each.id:
                raise self._not_unique([each, *(other for other in page if other.id == holders[asked])])
        if free:
            await self._services.store.append(
                Append(
                    tenant_id=tenant_id,
                    command_id=self._services.new_id(),
                    metadata=metadata_of(self._request, self._caller.actor),
                    streams=(),
                    occurred_at=self._services.clock(),
                    claims=tuple(Claim(tenant_id, *asked, each.id) for each, asked in free),
                    expects=tuple(Expected(each.id, each.version) for each, _ in free),
                )
            )

    def refuse_late(self) -> None:
        """Not to hold a request for minutes: what is claimed by now is found when it is asked for again."""
        if time.monotonic() > self._until:
            raise DomainError(
                "custom_field.checking",
                f"{SECONDS:g} seconds were not enough to look through all values",
                hint="Send the same request again, until it is done: it goes on where it stopped.",
            )

    def told(self, records: Sequence[Held]) -> list[UUID]:
        """The ids of those that the caller may see."""
        if view_of(self._caller, CONTACTS).hides(f"custom.{self._field.key}"):
            return []
        seen = [each.id for each in records if self._caller.reaches(SEEING, each.owner_id)]
        return seen[:_MOST_TOLD]

    def _not_unique(self, records: Sequence[Held]) -> DomainError:
        told = "records have the same value as others"
        hint = "Change or clear one value of each two first; ids has some of the records."
        return _refusal("custom_field.not_unique", told, hint, self.told(records))


def _refusal(code: str, detail: str, hint: str, ids: Sequence[UUID], count: int | None = None) -> DomainError:
    members = {"ids": [str(each) for each in ids]} | ({} if count is None else {"count": count})
    return DomainError(code, detail, hint=hint, members=members)
