"""`rapport ...` on a running installation, in this process: it saves starting one for each command."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from api.cli.main import run
from infra.tools import Tools
from projections.registry import POSTGRES
from settings import from_environment
from tests.acceptance.installation import Installation


class Ran(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    error: str


def rapport(capsys: pytest.CaptureFixture[str], installation: Installation, *words: object) -> Ran:
    """Carry out a command."""
    tools = Tools(from_environment({"RAPPORT_DATA": str(installation.data)}), POSTGRES)
    with ThreadPoolExecutor(1) as elsewhere:  # the command has a loop of its own
        failure = elsewhere.submit(run, tools, list(map(str, words))).exception()
    assert isinstance(failure, SystemExit), failure
    out, error = capsys.readouterr()
    return Ran(int(failure.code or 0), out, error)
