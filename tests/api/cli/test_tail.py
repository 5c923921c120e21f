"""A tenant's events on the command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from api.cli import maintenance
from api.cli.ports import Tools
from domain.errors import DomainError
from infra.clock import now
from infra.event_store.memory import MemoryEventStore

NOBODY = UUID("0197a000-0000-7000-8000-000000000009")


def tools_of(store: MemoryEventStore) -> Tools:
    """Tools that know a store, and nothing else."""

    @asynccontextmanager
    async def writing() -> AsyncIterator[Any]:
        yield SimpleNamespace(store=store)

    return cast("Tools", SimpleNamespace(writing=writing))


@pytest.mark.parametrize("follow", [False, True])
async def test_an_id_without_any_event_is_refused_instead_of_shown_as_an_empty_log(follow: bool) -> None:
    shown: list[dict[str, Any]] = []
    with pytest.raises(DomainError, match=str(NOBODY)):
        await maintenance.tail(tools_of(MemoryEventStore(now)), str(NOBODY), 0, shown.append, follow=follow)
    assert shown == []
