"""Lanes: several runs of pytest side by side, each with servers of its own, that share the files of tests between them.

    python -m pytest tests -p tests.lanes --lanes FOLDER [--first PATH ...]

A lane begins with the files below its own paths and goes on with those that are left of the others', the last ones
first. Every file is run by one lane: by that which has made a file of its name in FOLDER.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """See pytest."""
    parser.addoption("--lanes", type=Path, help="an empty folder that the lanes have in common")
    parser.addoption("--first", action="append", default=[], help="what this lane begins with")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run what nobody else has taken; with no lanes or nothing to run, what pytest does."""
    folder: Path | None = session.config.getoption("lanes")
    if folder is None or session.testsfailed or session.config.option.collectonly:
        return None
    items = _taken(folder, _in_order(session.items, session.config.getoption("first")))
    item = next(items, None)
    while item:
        # The next one says which fixtures go, so its file is taken a test before it is run.
        following = next(items, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return True


def _in_order(items: Sequence[pytest.Item], first: Sequence[str]) -> list[tuple[str, list[pytest.Item]]]:
    """The tests of each file: this lane's own files, then the others'."""
    files = [(name, list(tests)) for name, tests in groupby(items, lambda item: item.nodeid.partition("::")[0])]
    own = [file for file in files if file[0].startswith(tuple(first))]
    return own + [file for file in reversed(files) if not file[0].startswith(tuple(first))]


def _taken(folder: Path, files: Sequence[tuple[str, list[pytest.Item]]]) -> Iterator[pytest.Item]:
    for name, items in files:
        try:
            (folder / name.replace("/", ".")).touch(exist_ok=False)
        except FileExistsError:
            continue
        yield from items
