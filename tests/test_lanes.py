"""Lanes of tests: together they run every test, and none twice."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = 4

BEGUN = """
import pathlib, time
def test_both_have_begun():
    pathlib.Path({own!r}).touch()
    while not pathlib.Path({other!r}).exists():
        time.sleep(0.01)
"""
PLAIN = """
def test_good(): pass
def test_bad(): assert False
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files for each lane to begin with, of which the first ends when both lanes have begun, and some others."""
    made = tmp_path / "tests"
    made.mkdir()
    names = {"a": "z", "z": "a"}
    for own, other in names.items():
        text = BEGUN.format(own=str(tmp_path / own), other=str(tmp_path / other))
        (made / f"test_{own}_1.py").write_text(text)
        (made / f"test_{own}_2.py").write_text(PLAIN)
    for number in range(FILES):
        (made / f"test_{number}.py").write_text(PLAIN)
    return made


@contextmanager
def lane(folder: Path, first: str) -> "Iterator[subprocess.Popen[str]]":
    taken = folder.parent / "taken"
    taken.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", ".", "-p", "tests.lanes", "-c", "/dev/null", "--rootdir", str(folder)]
    command += ["-p", "no:cacheprovider", "-rfp", "--lanes", str(taken), "--first", first]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def test_every_test_is_run_by_one_lane_and_what_is_in_a_file_by_the_same(folder: Path) -> None:
    """Each begins with a file of its own, goes on with the others', and tells of what failed."""
    with lane(folder, "test_a") as one, lane(folder, "test_z") as another:
        outputs = [running.communicate()[0] for running in (one, another)]
    told = [[line.split()[:2] for line in out.splitlines() if line[:6] in {"PASSED", "FAILED"}] for out in outputs]
    plain = [*range(FILES), "a_2", "z_2"]
    wanted = [["PASSED", f"test_{name}.py::test_good"] for name in plain]
    wanted += [["FAILED", f"test_{name}.py::test_bad"] for name in plain]
    wanted += [["PASSED", f"test_{name}_1.py::test_both_have_begun"] for name in "az"]
    assert sorted(told[0] + told[1]) == sorted(wanted), outputs
    files = [{name.partition("::")[0] for _, name in each} for each in told]
    assert files[0] & files[1] == set()
    assert ("test_a_1.py" in files[0], "test_z_1.py" in files[1]) == (True, True)
