"""Takes scores of leads over to new rules and new days, for as long as the worker runs."""

from api.worker.rounds import rounds
from projections.leads.score_keeping import ScoreKeeper

_REST_SECONDS = 2.0


async def run(keeper: ScoreKeeper) -> None:
    """Work until cancelled."""
    await rounds(keeper.turn, rest=_REST_SECONDS, trouble="scoring.unavailable")
