"""N-R1, N-R2, N-R3, invariants 1 to 5: an installation under load comes through the faults that take little time.

`make faults` runs all scenarios of tests/faults/table.py, with more rounds.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.acceptance.installation import ROOT
from tests.faults import check
from tests.faults.chance import SEED
from tests.faults.journal import Fault, Journal, read
from tests.faults.site import Shape, Site
from tests.faults.table import SCENARIOS
from tests.faults.trial import Scenario, carry_out
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

QUICK = [scenario for scenario in SCENARIOS if scenario.quick]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Shape], Site]]:
    """One installation for all scenarios of a shape."""
    made: dict[Shape, Site] = {}
    with ExitStack() as stack:

        def of(shape: Shape) -> Site:
            if shape not in made:
                made[shape] = stack.enter_context(Site(tmp_path_factory.mktemp("faults"), shape, SEED))
            return made[shape]

        yield of


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: f"{scenario.number} {scenario.name}")
def test_an_installation_under_load_comes_through(site: Callable[[Shape], Site], scenario: Scenario) -> None:
    report = carry_out(scenario, site(scenario.shape), SEED, long=False).report
    assert report.problems == []
    assert min(report.acked, report.events, sum(report.faults.values())) > 0


def test_the_checker_looks_on_and_what_a_killed_client_was_promised_is_kept(
    site: Callable[[Shape], Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The programs as they are used on any installation: both are given its addresses and its secret, nothing else."""
    made, path = site("plain"), tmp_path / "journal"
    monkeypatch.setenv("RAPPORT_DATA", str(made.installation.data))
    command = [sys.executable, "-m", "tests.faults.load", made.url, str(path), SEED]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as driver, _killed(driver):
        assert driver.stdout
        assert driver.stdout.readline(), "it names its tenants when it begins to write"
        _wait(lambda: read(path).acked > 30)
        assert check.main([made.dsn]) == 0, capsys.readouterr().out
        made.installation.kill_role("relay")
        Journal(path).note(Fault("killed", "relay"))
        _wait(lambda: read(path).acked > 60)
    capsys.readouterr()
    assert check.main([made.dsn, "--journal", str(path)]) == 0, capsys.readouterr().out
    assert f"{read(path).acked} acked" in capsys.readouterr().out


@contextmanager
def _killed(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()


def _wait(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
