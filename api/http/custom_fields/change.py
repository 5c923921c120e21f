"""Where the values are that a change of a custom field has to fit, and which of their records a caller is told of."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from api.http.exchange import HttpRequest, principal_of, services_of
from api.http.leads.reach import SEEING as SEEING_LEADS
from api.http.read_after import settled
from commands.custom_fields.check import Check
from commands.decision import Context
from commands.sight import SEEING
from commands.visible import view_of_kind
from domain.custom_field import CustomField, Held, RecordKind, Rule
from domain.field_rules import OPEN
from projections import custom_values
from projections.custom_values import CHECKPOINTS
from projections.position import Level


async def require_fit(
    request: HttpRequest, context: Context, field: CustomField, rule: Rule, position: int, *, claim: bool
) -> None:
    """See commands.custom_fields.check. Raises as that."""
    services, caller = services_of(request), principal_of(request)
    hidden = view_of_kind(caller, field.kind).hides(f"{OPEN}.{field.key}")

    def sees(held: Held) -> bool:
        if hidden:
            return False
        if field.kind is RecordKind.COMPANY:  # these are nobody's own: who sees any sees them all
            return SEEING in caller.grants
        return caller.reaches(SEEING_LEADS if field.kind is RecordKind.LEAD else SEEING, held.owner_id)

    check = Check(
        field=field,
        rule=rule,
        values=_Values(request, field),
        sees=sees,
        context=context,
        store=services.store,
        clock=services.clock,
        new_id=services.new_id,
    )
    await check.require_fit(position, claim=claim)


class _Values:
    """Implements commands.custom_fields.check.Values over the read models."""

    def __init__(self, request: HttpRequest, field: CustomField) -> None:
        self._request = request
        self._field = field
        self._level: Level | None = None

    async def settle(self, position: int) -> None:
        """See the protocol."""
        self._level = await settled(self._request, CHECKPOINTS[self._field.kind], at_least=position)

    async def page(self, after: UUID | None, limit: int) -> Sequence[Held]:
        """See the protocol."""
        tenant_id = principal_of(self._request).tenant_id
        query = partial(custom_values.page, tenant_id=tenant_id, kind=self._field.kind, key=self._field.key)
        query = partial(query, after=after, limit=limit)
        return await services_of(self._request).reads.ask(tenant_id, query, at_least=self._level)

    async def repeated(self, most: int) -> Sequence[Held]:
        """See the protocol."""
        tenant_id = principal_of(self._request).tenant_id
        query = partial(custom_values.repeated, tenant_id=tenant_id, kind=self._field.kind, key=self._field.key)
        query = partial(query, most=most)
        return await services_of(self._request).reads.ask(tenant_id, query, at_least=self._level)
