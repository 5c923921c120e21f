"""Contacts that are merged, and taken apart again, on a store in memory."""

from typing import Any
from uuid import UUID

from commands.contacts.merge import MergeContact, UnmergeContact
from commands.contacts.merging import Merging
from commands.decision import Context
from commands.handle import Outcome
from commands.registry import MERGE_CONTACT, UNMERGE_CONTACT
from commands.visible import View
from domain import contact
from domain.contact import HELD, Contact, Side
from domain.field_rules import Rules
from tests.commands.world import World, by
from tests.given import CALLER, TENANT, register

WHOLE = {
    "name": "Ada Lovelace",
    "emails": [{"value": "ada@engines.example"}, {"value": "countess@home.example", "kind": "home"}],
    "phones": [{"value": "+442079460018"}],
    "title": "Countess",
    "tags": ["math", "vip"],
    "external_ids": {"erp": "7", "shop": "x"},
    "lifecycle": "customer",
}
TWIN = {
    "name": "Augusta King",
    "emails": [{"value": "augusta@king.example"}, {"value": "ADA@engines.example"}],
    "phones": [{"value": "+442079460019"}],
    "title": "Lady",
    "tags": ["VIP", "poet"],
    "external_ids": {"erp": "8", "fair": "1"},
    "lifecycle": "partner",
}


class Merges(World):
    """A world with the commands of merging; `admit` refuses other contacts."""

    async def add(self, **members: Any) -> UUID:
        return (await self.register(register(**members))).stream_id

    async def merge(
        self,
        into: UUID,
        other: UUID,
        choose: dict[str, str] | None = None,
        *,
        context: Context | None = None,
        rules: Rules | None = None,
    ) -> Outcome[Contact]:
        body = MergeContact(other, {name: Side(side) for name, side in (choose or {}).items()})
        looking = Merging(self.handler, TENANT, into, lambda _: None)
        return await self.handler.handle(
            context or by(CALLER), MERGE_CONTACT, lambda: looking.merge(body, View(rules or {})), stream_id=into
        )

    async def unmerge(self, into: UUID, other: UUID, context: Context | None = None) -> Outcome[Contact]:
        looking = Merging(self.handler, TENANT, into, lambda _: None)
        return await self.handler.handle(
            context or by(CALLER),
            UNMERGE_CONTACT,
            lambda: looking.unmerge(UnmergeContact(other), self.store),
            stream_id=into,
        )

    async def state(self, contact_id: UUID) -> Contact:
        return await self.handler.state(TENANT, "contact", contact.evolve, contact_id)

    async def held(self, contact_id: UUID) -> dict[str, Any]:
        """What a contact holds, by field."""
        state = await self.state(contact_id)
        return {name: getattr(state, name) for name in HELD}

    async def holder(self, system: str, value: str) -> UUID | None:
        """Which contact is found by an id of another system."""
        owner = await self.store.holder(TENANT, f"contact.external_id/{system}", value)
        return owner.stream_id if owner else None
