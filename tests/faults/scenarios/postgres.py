"""Faults 5, 13 and 14: what happens to the database."""

import shutil

import psycopg

from tests.faults.journal import Restored
from tests.faults.site import copy_folder
from tests.faults.trial import Trial

_HEADS = "SELECT tenant_id, position FROM store.tenant_head WHERE tenant_id = ANY(%s)"

_AHEAD = "UPDATE store.tenant_head SET recorded_at = recorded_at + interval '1 hour' WHERE tenant_id = ANY(%s)"


def killed(trial: Trial) -> None:
    """SIGKILL of the postmaster: recovery from the write-ahead log, and every role finds its way back."""
    for _ in trial.rounds(2, 5):
        trial.load.until_acked(40)
        trial.pause(1.0)
        trial.kill("postgres")
        trial.load.until_acked(20)
    trial.load.until_acked(40)
    assert trial.load.repeats > 0, "no client noticed"


def restored(trial: Trial) -> None:
    """An old copy of the database is put back: NATS is ahead of it, and positions are used anew. The copy is of one
    moment; signed checkpoints tell that the log went on after it."""
    folder, old = trial.site.installation.data / "postgres", trial.site.folder / "old-postgres"
    for _ in trial.rounds(1, 2):
        trial.load.until_acked(40)
        with trial.site.frozen(trial.site.pid("postgres")):
            shutil.rmtree(old, ignore_errors=True)
            copy_folder(folder, old)
        trial.load.until_acked(60)
        trial.site.carried_out("events", "checkpoint")
        with trial.load.paused():
            trial.site.kill_all()
            shutil.rmtree(folder)
            copy_folder(old, folder)
            trial.site.restart()
            with psycopg.connect(trial.site.dsn) as connection:
                heads = connection.execute(_HEADS, (trial.load.ids,)).fetchall()
            trial.note(Restored(dict(heads)))
            trial.did("restored", "postgres")
            trial.load.forget()
        trial.load.until_acked(60)


def disk_full(trial: Trial) -> None:
    """Postgres has no room left, neither for tables nor for its write-ahead log; then it has some again. It says so to
    its clients, falls over if it must, and goes on by itself."""
    disk = trial.site.disk
    for _ in trial.rounds(1, 3):
        trial.load.until_acked(40)
        disk.fill()
        trial.did("filled", "the disk")
        trial.pause(6.0)
        disk.free()
        trial.site.wait_for_postgres()
        trial.load.until_acked(40)


def clock_back(trial: Trial) -> None:
    """The clock jumps back an hour. The clock of this machine is not ours to move, so the logs get what they would have
    after such a jump: their last events were recorded an hour from now. Times of recording stand still until then, and
    never go back."""
    for _ in trial.rounds(1, 3):
        trial.load.until_acked(40)
        with psycopg.connect(trial.site.dsn) as connection:
            connection.execute(_AHEAD, (trial.load.ids,))
        trial.did("set back", "the clock")
        trial.load.until_acked(40)
        trial.read_models_reach_heads(trial.load.ids)
