"""Starts an SMTP server as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.installation import ROOT


@contextmanager
def served(folder: Path, manner: str) -> Iterator[int]:
    """A server in a manner; gives its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.infra.mail.server", str(folder), manner],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()
