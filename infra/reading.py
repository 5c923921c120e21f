"""Where the queries of an API process go."""

from typing import TYPE_CHECKING

from infra.event_store.installation import Installation
from infra.postgres import Pool, TenantConnections, TenantReads
from infra.replica import ReplicaReads, ReplicaWatch
from infra.search.fallback import FallbackSearch, OnlySearch
from infra.search.postgres import PostgresContactSearch
from infra.wiring import Wiring

if TYPE_CHECKING:
    from infra.progress import Progress
    from projections.contacts.search import AnyContactSearch


async def query_side(
    wired: Wiring, reads: Pool, installed: Installation, progress: "Progress"
) -> tuple[TenantReads, ReplicaWatch | None]:
    """Where queries go: to the primary, or to a read replica while that is near enough."""
    primary = TenantConnections(reads, again=progress.again)
    pool = await wired.replica()
    if pool is None:
        return primary, None
    watch = ReplicaWatch(reads, pool, installed.incarnation)
    wired.spawn(watch.run())
    return ReplicaReads(primary, TenantConnections(pool), watch), watch


async def contact_search(wired: Wiring, queries: TenantReads, installed: Installation) -> "AnyContactSearch":
    """Contact search: OpenSearch with Postgres behind it, or Postgres alone."""
    behind = PostgresContactSearch(queries)
    if not wired.uses_opensearch:
        return OnlySearch(behind)
    # Its client is a good part of a process's memory, which does without it where it can.
    from infra.search.opensearch import OpenSearchContactSearch  # noqa: PLC0415
    from infra.search.opensearch_index import alias_of  # noqa: PLC0415

    primary = OpenSearchContactSearch(wired.opensearch(), alias_of(installed.incarnation))
    search = FallbackSearch(primary, behind, primary.is_ready)
    wired.spawn(search.run())
    return search
