"""R5.5: what leads of a batch look at is known before, so that it is read for all of them together."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from commands.leads.lead import gathering, looks_at
from commands.look import Look
from domain.errors import NotFoundError
from tests.given import TENANT, some_id
from tests.given_leads import register

STEPS: list[dict[str, Any]] = [{"act": "qualify"}, {"act": "convert"}]
ACME, ADA = str(some_id(901)), str(some_id(902))


class Looked:
    """A store without anything, which notes what is looked at."""

    def __init__(self) -> None:
        self.ids: set[UUID] = set()

    async def state(self, _: UUID, kind: str, __: Callable[..., Any], stream_id: UUID) -> Any:
        self.ids.add(stream_id)
        raise NotFoundError(kind)

    async def find(self, _: UUID, __: str, ___: str) -> UUID | None:
        return None


@pytest.mark.parametrize(
    ("members", "count"),
    [
        ({"company_id": ACME, "moves": STEPS}, 1),
        ({"contact_id": ADA}, 1),
        ({"company_id": ACME}, 0),
        ({"company_id": ACME, "contact_id": ADA, "moves": STEPS}, 2),
    ],
)
async def test_records_that_are_named_by_id_are_told_before_they_are_looked_at(
    members: dict[str, Any], count: int
) -> None:
    command, looked = register(**members), Looked()
    await gathering()(command, None, Look(TENANT, looked.state, looked.find))
    assert len(looked.ids) == count
    assert looked.ids <= {stream_id for _, _, stream_id in looks_at(TENANT, command)}
