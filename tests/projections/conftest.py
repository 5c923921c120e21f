"""A projector over real read models, and a tenant for it."""

from uuid import UUID, uuid4

import pytest

from tests.conftest import Database
from tests.projections.running import Projector


@pytest.fixture
def projector(database: Database) -> Projector:
    return Projector(database)


@pytest.fixture
def tenant() -> UUID:
    return uuid4()
