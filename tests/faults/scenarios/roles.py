"""Faults 1 and 4: processes of the installation that die, and such that are there twice."""

import subprocess
import time
from contextlib import ExitStack

from tests.faults.site import ROLES
from tests.faults.trial import Trial


def killed_at_random(trial: Trial) -> None:
    """Roles get SIGKILL at random moments; whoever starts them again does so while the load goes on."""
    roles = [*ROLES]
    for _ in trial.rounds(2, 4):
        trial.rng.shuffle(roles)
        for role in roles:
            trial.kill(role)
            trial.pause(1.0)
        trial.load.until_acked(20)
    trial.load.until_acked(40)


def killed_all_at_once(trial: Trial) -> None:
    """The process at the top gets SIGKILL, and everything goes down with it, as when the power fails."""
    for _ in trial.rounds(1, 3):
        trial.load.until_acked(40)
        trial.pause(1.0)
        trial.site.kill_all()
        trial.did("killed", "everything")
        trial.site.restart()
    trial.load.until_acked(40)


def two_of_each(trial: Trial) -> None:
    """A second relay and a second projector on the same partitions. The leader of the relays is frozen for longer than
    its lease lasts and goes on without knowing that another leads; the second ones are killed at last."""
    with ExitStack() as stack:
        more = [stack.enter_context(trial.site.role(role)) for role in ("relay", "projector")]
        stack.callback(_end, more)
        trial.load.until_acked(40)
        for _ in trial.rounds(1, 3):
            for role in ("relay", "projector"):
                with trial.frozen(role):
                    time.sleep(trial.rng.uniform(3.2, 4.0))
            trial.load.until_acked(40)
        for process in more:
            assert process.poll() is None, "it has ended by itself"
            process.kill()
            trial.did("killed", "a second one")
        trial.load.until_acked(40)


def _end(processes: list["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.kill()
