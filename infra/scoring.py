"""What a worker takes scores of leads over to new rules and days with."""

from infra import clock
from infra.postgres import PROJECTOR, TenantConnections
from infra.wiring import Wiring
from projections.leads.score_keeping import ScoreKeeper


async def keeping(wired: Wiring) -> ScoreKeeper:
    """One transaction at a time: it is in no hurry."""
    return ScoreKeeper(TenantConnections(await wired.pool(PROJECTOR, size=1)), clock.now)
