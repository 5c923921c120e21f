"""`rapport ...` on a running installation, in this process: it saves starting one for each command."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
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
    code = _exit_code(installation.data, words)
    out, error = capsys.readouterr()
    return Ran(code, out, error)


def ran(data: Path, *words: object, **environment: str) -> Ran:
    """The same for helpers of tests, which have no capsys."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as error:
        code = _exit_code(data, words, **environment)
    return Ran(code, out.getvalue(), error.getvalue())


def _exit_code(data: Path, words: Sequence[object], **environment: str) -> int:
    tools = Tools(from_environment({"RAPPORT_DATA": str(data), **environment}), POSTGRES)
    with ThreadPoolExecutor(1) as elsewhere:  # the command has a loop of its own
        failure = elsewhere.submit(run, tools, list(map(str, words))).exception()
    assert isinstance(failure, SystemExit), failure
    return int(failure.code or 0)
