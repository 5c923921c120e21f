"""Rows tried: decided one portion after another as if each were written, and nothing is."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from msgspec import structs

from commands.decision import Context
from commands.folded import FoldedStates
from commands.identity.access import Principal
from commands.imports.file import Portion
from commands.imports.met import Met
from commands.imports.portion import Imports, Outcome, Rows, columns_of
from domain.contact import Contact
from domain.imports import Import


class Trial:
    """Decides portions one after another as if each were written; nothing is."""

    def __init__(self, rows: Rows, context: Context, tried: "TriedStates") -> None:
        self._rows = rows
        self._context = context
        self._tried = tried
        self._met = Met()

    @classmethod
    def of(cls, tools: Imports, state: Import, caller: Principal, context: Context) -> "Trial":
        """For who asks, in a context that says that it is a dry run."""
        tried = TriedStates(tools.deciding.store)
        deciding = structs.replace(tools.deciding, batches=tools.batches(tried))
        return cls(Rows(deciding, state, caller, columns_of(state, caller)), context, tried)

    async def decide(self, portion: Portion) -> list[Outcome]:
        """What would become of rows after those that were tried before."""
        outcomes = await self._rows.decide(self._context, portion, met=self._met)
        for each in outcomes:
            if each.contact is not None and each.events:
                self._tried.states[each.contact.id] = each.contact
        return outcomes


class TriedStates(FoldedStates):
    """States as they would be after what was tried."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.states: dict[UUID, Contact] = {}

    async def load_several(
        self, tenant_id: UUID, kind: str, evolve: Any, stream_ids: Collection[UUID]
    ) -> dict[UUID, Any]:
        """See commands.folded."""
        tried = {each: self.states[each] for each in stream_ids if kind == "contact" and each in self.states}
        rest = [each for each in stream_ids if each not in tried]
        found: dict[UUID, Any] = await super().load_several(tenant_id, kind, evolve, rest) if rest else {}
        return found | tried
