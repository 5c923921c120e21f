"""`python -m tests.faults [NUMBER ...] [--seed N] [--quick] [--list]`: the scenarios, one after the other.

Each runs on an installation under load, beside a session that is idle in transaction, and is followed by the check.
The seed decides what chance decides; it is printed, and a run with the same seed does the same things (the moments at
which they meet the load remain the machine's).
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import get_args

from tests.faults.chance import SEED
from tests.faults.check import check
from tests.faults.site import Shape, Site
from tests.faults.table import SCENARIOS
from tests.faults.trial import Outcome, Scenario, carry_out

_LONGEST_SECONDS = 300


class _Run:
    """All scenarios of one shape share an installation, until one of them fails."""

    def __init__(self, folder: Path, seed: object, *, long: bool) -> None:
        self._folder = folder
        self._seed = seed
        self._long = long
        self.totals: Counter[str] = Counter()
        self.failed: list[Scenario] = []
        self.left_out: list[Scenario] = []

    def run(self, chosen: Sequence[Scenario]) -> None:
        """Run them shape by shape."""
        for shape in get_args(Shape):
            waiting: Sequence[Scenario] = [each for each in chosen if each.shape == shape and self._is_possible(each)]
            count = 0
            while waiting:
                count += 1
                waiting = self._on_one_site(self._folder / f"{shape.replace(' ', '-')}-{count}", shape, waiting)

    def _is_possible(self, scenario: Scenario) -> bool:
        why = scenario.unavailable()
        if why:
            self.left_out.append(scenario)
            _say(f"{scenario.number:3} {scenario.name:24} not run: {why}")
        return why is None

    def _on_one_site(self, folder: Path, shape: Shape, waiting: Sequence[Scenario]) -> Sequence[Scenario]:
        """Run scenarios on one installation; answers those that are left because one has failed."""
        folder.mkdir()
        folder.chmod(0o755)
        with Site(folder, shape, self._seed) as site:
            for number, scenario in enumerate(waiting, start=1):
                if not self._one(scenario, site):
                    return waiting[number:]
            report = check(site.dsn, site.master)
            if report.problems:
                self.failed += waiting
                _say(f"    {shape}: at the end of all: {report}")
        return ()

    def _one(self, scenario: Scenario, site: Site) -> bool:
        try:
            signal.alarm(_LONGEST_SECONDS)
            outcome = carry_out(scenario, site, self._seed, long=self._long)
        except Exception:  # noqa: BLE001  whatever it was, the others are to be run
            self.failed.append(scenario)
            _say(f"{scenario.number:3} {scenario.name:24} FAILED\n{traceback.format_exc()}")
            return False
        finally:
            signal.alarm(0)
        self._count(outcome)
        _say(f"{scenario.number:3} {scenario.name:24} {outcome.seconds:5.1f} s  {outcome.report.counts()}")
        return True

    def _count(self, outcome: Outcome) -> None:
        for name in ("acked", "refused", "unknown", "lost", "events"):
            self.totals[name] += getattr(outcome.report, name)
        self.totals.update(outcome.report.faults)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run scenarios; 0 when the installation came through all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Faults under load, and the check.")
    parser.add_argument("numbers", nargs="*", type=int, help="which ones; all when none is given")
    parser.add_argument("--seed", default=SEED)
    parser.add_argument("--quick", action="store_true", help="few rounds of each, as in `make test`")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    asked = parser.parse_args(arguments)
    chosen = [each for each in SCENARIOS if not asked.numbers or each.number in asked.numbers]
    if asked.list or not chosen:
        for each in SCENARIOS:
            _say(f"{each.number:3} {each.name:24} {each.shows}")
        return 0 if asked.list else 2
    return _run(chosen, asked.seed, long=not asked.quick)


def _run(chosen: Sequence[Scenario], seed: object, *, long: bool) -> int:
    _say(f"seed {seed}   (again: RAPPORT_FAULT_SEED={seed} make faults)")
    folder = Path(tempfile.mkdtemp(prefix="rapport-faults-"))
    folder.chmod(0o755)
    signal.signal(signal.SIGALRM, _too_long)
    started = time.monotonic()
    run = _Run(folder, seed, long=long)
    run.run(chosen)
    counted = ", ".join(f"{count} {name}" for name, count in run.totals.items())
    _say(f"\n{len(chosen)} scenarios in {time.monotonic() - started:.0f} s: {counted}")
    if run.left_out:
        _say(f"not run: {', '.join(each.name for each in run.left_out)}")
    if run.failed:
        _say(f"FAILED: {', '.join(each.name for each in run.failed)}; journals and data are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _too_long(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise TimeoutError(f"a scenario takes longer than {_LONGEST_SECONDS} s")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
