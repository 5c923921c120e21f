"""A tenant of people whose keys may be destroyed."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from tests.infra.event_store.catalogue import Connection
from tests.infra.event_store.people import forget


@pytest.fixture
def tenant(admin: Connection) -> Iterator[UUID]:
    """One without events, of which nothing is left when the test ends."""
    made = uuid4()
    yield made
    forget(admin, made)
