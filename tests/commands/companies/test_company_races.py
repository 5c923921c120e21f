"""N-R2: no company comes to be above itself, whoever is faster."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from commands.companies.input import ChangeCompany, Placed, RegisterCompany
from commands.companies.line import line_from
from commands.handle import Outcome
from commands.registry import CHANGE_COMPANY, REGISTER_COMPANY
from domain.company import Company, evolve
from domain.errors import FieldError
from tests.commands.world import World, by, refused
from tests.given import CALLER, TENANT


class Companies(World):
    """A world of companies; each command reads the line above it anew for every try, as the ways in do."""

    async def add(self, name: str, parent_id: UUID | None = None) -> UUID:
        asked = RegisterCompany(name=name, parent_id=parent_id)

        async def read() -> tuple[Placed[Any], Sequence[FieldError]]:
            return Placed(asked, await line_from(self.load, parent_id)), ()

        return (await self.handler.handle(by(CALLER), REGISTER_COMPANY, read)).stream_id

    async def move(self, company_id: UUID, parent_id: UUID) -> Outcome[Company]:
        async def read() -> tuple[Placed[Any], Sequence[FieldError]]:
            return Placed(ChangeCompany(parent_id=parent_id), await line_from(self.load, parent_id)), ()

        return await self.handler.handle(by(CALLER), CHANGE_COMPANY, read, stream_id=company_id)

    async def load(self, company_id: UUID) -> Company:
        return await self.handler.state(TENANT, "company", evolve, company_id)


async def test_of_two_moves_at_once_that_would_make_a_ring_one_is_refused() -> None:
    world = Companies()
    a, b = await world.add("A"), await world.add("B")
    c = await world.add("C", b)
    world.store.before_append, world.store.times = lambda: world.move(b, a), 1

    refusal = await refused(world.move(a, c))

    assert [error.code for error in refusal.errors] == ["company.parent_below"]
    assert (await world.load(a)).parent_id is None
    assert (await world.load(b)).parent_id == a


async def test_a_move_below_what_is_moved_elsewhere_meanwhile_still_holds() -> None:
    world = Companies()
    a, b, c = await world.add("A"), await world.add("B"), await world.add("C")
    world.store.before_append, world.store.times = lambda: world.move(b, c), 1

    assert (await world.move(a, b)).state.parent_id == b
    assert (await world.load(b)).parent_id == c
