"""One installation for the faults that it must come through whole."""

from collections.abc import Iterator

import pytest

from tests.acceptance.installation import Installation

OPTIONS = ("--no-demo", "--search", "postgres")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("faults") / "data", *OPTIONS) as running:
        yield running
