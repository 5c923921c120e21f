"""Fault 12: Valkey. Idempotency is the event store's business; Valkey only spares the second try some work."""

from tests.faults.trial import Trial

_SLOWEST_SECONDS = 3.0


def frozen_or_gone(trial: Trial) -> None:
    """It accepts everything and answers nothing, or is killed: no write waits for it."""
    for _ in trial.rounds(1, 3):
        trial.load.slowest()
        with trial.frozen("valkey"):
            trial.load.until_acked(60)
        trial.kill("valkey")
        trial.load.until_acked(60)
        slowest = trial.load.slowest()
        assert slowest < _SLOWEST_SECONDS, f"a write took {slowest:.1f} s"
