"""One installation for all acceptance tests that leave it whole."""

from collections.abc import Iterator

import pytest

from tests.acceptance.installation import LIFTED, Installation, Tenant
from tests.acceptance.more import more_apis


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Everything but OpenSearch, which has tests of its own. E-mails come in by the folder `drop` beside its data."""
    folder = tmp_path_factory.mktemp("up")
    environment = {"RAPPORT_INBOUND_FOLDER": str(folder / "drop")}
    with Installation(folder / "data", "--no-demo", "--search", "postgres", environment=environment) as running:
        yield running


@pytest.fixture(scope="session")
def searching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One with OpenSearch, which signs its log every second in the folder `outside` beside its data."""
    folder = tmp_path_factory.mktemp("searching")
    environment = {"RAPPORT_CHECKPOINT_SECONDS": "1", "RAPPORT_CHECKPOINT_FOLDER": str(folder / "outside")}
    with Installation(folder / "data", "--no-demo", environment=environment) as running:
        yield running


@pytest.fixture(scope="session")
def urls(installation: Installation) -> Iterator[list[str]]:
    """Three API processes of the installation; the first is its own."""
    with more_apis(installation, 2, LIFTED) as more:
        yield [str(installation.ready["url"]), *more]


@pytest.fixture
def tenant(installation: Installation) -> Tenant:
    """A new tenant, signed in as its admin."""
    return installation.tenant()
