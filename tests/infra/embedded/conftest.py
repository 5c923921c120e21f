"""A data folder with Postgres's files in it, so that not every test waits for initdb."""

import shutil
from pathlib import Path

import pytest

from infra.embedded.client import start


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nearly all tests here start servers, so none of the folder is among the fast ones."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "data"
    start(made, ["postgres"]).stop()
    return made


@pytest.fixture
def data(made_once: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test. For root it belongs to root, which a start puts right."""
    return Path(shutil.copytree(made_once, tmp_path / "data"))
