"""What the command line does to read models: look at them, build them anew, compare them, deal with what is parked."""

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Struct

from api.cli.ports import Projecting, Tools
from api.cli.progress import Meter
from domain.errors import DomainError, kind_of
from projections.aside import RebuildRunsError
from projections.mending import NotOfOneStreamError, mend_stream, mend_tenant
from projections.parked import Skip, resume
from projections.poison import ProjectionFailedError
from projections.ports import Parked
from projections.projection import Projection
from projections.rebuild import Compared, Rebuild, Rebuilt, SwapBlockedError
from projections.registry import followers
from projections.verify import Verified, verify_tenant

SEARCH = "search"
"""The name of the search index, which is no projection of Postgres."""


class State(Struct, frozen=True):
    """How far a projection is: for how many of the tenants it has not applied all events, and what it has parked."""

    name: str
    version: int
    tenants: int
    behind: int
    parked: int


class Done(Struct, frozen=True):
    """What came of a rebuild; `events` are those of the log, or the contacts where it was the search index's.

    `different` are the tenants whose rows were others before; `uncompared` could not be compared.
    """

    name: str
    events: int
    seconds: float
    resumed: bool = False
    different: Sequence[Compared] = ()
    uncompared: int = 0


async def states(tools: Tools) -> list[State]:
    """The state of every projection."""
    async with tools.projecting() as projecting:
        tenants = len(await projecting.log.tenants())
        found = []
        for each in projecting.projections:
            behind, parked = (
                await projecting.log.behind([each.checkpoint]),
                await projecting.log.parked([each.checkpoint]),
            )
            found.append(State(each.name, each.version, tenants, len(behind), len(parked)))
        return found


async def rebuild(tools: Tools, name: str, meter: Meter, *, fresh: bool, jobs: int) -> Done:
    """Build a projection, or the search index, anew beside the one that is read.

    Raises:
        DomainError: there is no such projection, another rebuild is going on, or it can't go on.
    """
    started = time.monotonic()
    async with tools.rebuilding() as rebuilding:
        if name == SEARCH:
            if rebuilding.search_index is None:
                raise DomainError(
                    "search.not_configured", "there is no search index", hint="Set RAPPORT_SEARCH=opensearch."
                )
            return Done(name, await rebuilding.search_index.rebuild(meter), time.monotonic() - started)
        projection = _named(rebuilding, name)
        work = Rebuild(
            projection,
            log=rebuilding.log,
            aside=rebuilding.aside,
            fill=rebuilding.fill(jobs),
            followers=followers(projection),
            on_progress=meter,
        )
        try:
            rebuilt = await work.run(fresh=fresh)
        except RebuildRunsError as error:
            raise DomainError("rebuild.running", "another rebuild is going on", hint="Wait until it ends.") from error
        except ProjectionFailedError as error:
            raise _failed(error) from error
        except SwapBlockedError as error:
            raise DomainError(
                "rebuild.swap_blocked",
                "the tables are in use and could not change places",
                hint="What was built stays: the same command goes on there. Look for long transactions in Postgres.",
            ) from error
    return _done(name, rebuilt, time.monotonic() - started)


async def mend(tools: Tools, name: str, meter: Meter, *, tenant_id: UUID, stream_id: UUID | None) -> Done:
    """Build the rows of one tenant, or of one of its streams, anew.

    Raises:
        DomainError: there is no such projection or tenant, or its rows are not each of one stream.
    """
    started = time.monotonic()
    async with tools.rebuilding() as rebuilding:
        projection = _named(rebuilding, name)
        await _check_tenant(rebuilding, tenant_id)
        mirrors = followers(projection)
        if stream_id:
            try:
                events = await mend_stream(
                    projection,
                    tenant_id,
                    stream_id,
                    log=rebuilding.log,
                    sessions=rebuilding.sessions,
                    followers=mirrors,
                )
            except NotOfOneStreamError as error:
                raise DomainError(
                    "rebuild.not_of_one_stream",
                    f"rows of {name} are made of several streams",
                    hint="Leave --stream out: the tenant's rows are then built anew.",
                ) from error
        else:
            total = sum(each.head for each in await rebuilding.log.tenants() if each.tenant_id == tenant_id)
            events = await mend_tenant(
                projection,
                tenant_id,
                log=rebuilding.log,
                scratch=rebuilding.scratch,
                followers=mirrors,
                on_events=_counting(meter, "fill", total),
            )
    return Done(name, events, time.monotonic() - started)


async def verify(tools: Tools, name: str | None, meter: Meter, *, tenant_id: UUID | None) -> dict[str, list[Verified]]:
    """Compare read models with a fresh fold of the log: all or one of them, for all tenants or one.

    Raises:
        DomainError: there is no such projection or tenant.
    """
    found = {}
    async with tools.rebuilding() as rebuilding:
        await _check_tenant(rebuilding, tenant_id)
        for projection in [_named(rebuilding, name)] if name else rebuilding.projections:
            tenants = [t for t in await rebuilding.log.tenants() if tenant_id in {None, t.tenant_id}]
            count = _counting(meter, projection.name, sum(tenant.head for tenant in tenants))
            await rebuilding.scratch.prepare(projection)
            found[projection.name] = [
                await verify_tenant(
                    projection, tenant.tenant_id, log=rebuilding.log, scratch=rebuilding.scratch, on_events=count
                )
                for tenant in tenants
            ]
    return found


async def parked(tools: Tools, name: str | None = None) -> list[Parked]:
    """Streams that wait, the longest first.

    Raises:
        DomainError: there is no such projection.
    """
    async with tools.projecting() as projecting:
        chosen = [_named(projecting, name)] if name else projecting.projections
        return list(await projecting.log.parked([each.checkpoint for each in chosen]))


async def retry(
    tools: Tools, name: str | None, *, tenant_id: UUID | None, stream_id: UUID | None, skip: Skip | None = None
) -> tuple[int, list[Parked]]:
    """Try parked streams again, with `skip` without the event that parked them.

    Returns how many are not parked any more, and those that still are.

    Raises:
        DomainError: there is no such projection or tenant, or the stream is not parked.
    """
    freed = tried = 0
    async with tools.projecting() as projecting:
        await _check_tenant(projecting, tenant_id)
        chosen = [_named(projecting, name)] if name else list(projecting.projections)
        for projection in chosen:
            for each in await projecting.log.parked([projection.checkpoint]):
                if tenant_id in {None, each.tenant_id} and stream_id in {None, each.stream_id}:
                    tried += 1
                    freed += await _resumed(projecting, projection, each, skip)
        if stream_id and not tried:
            raise DomainError(
                "stream.not_parked",
                f"{name or 'no projection'} has {'not ' if name else ''}parked the stream {stream_id}",
                hint="`rapport projections parked` lists those that wait.",
            )
        left_over = await projecting.log.parked([each.checkpoint for each in chosen])
    return freed, [p for p in left_over if tenant_id in {None, p.tenant_id} and stream_id in {None, p.stream_id}]


async def _resumed(projecting: Projecting, projection: Projection, waits: Parked, skip: Skip | None) -> bool:
    """Whether nothing of a stream waits any more."""
    try:
        left = await resume(
            waits,
            projection,
            log=projecting.log,
            sessions=projecting.sessions,
            followers=followers(projection),
            skip=skip,
        )
    except ProjectionFailedError as error:
        raise _failed(error) from error
    except RebuildRunsError as error:
        hint = f"End it first: rapport projections rebuild {projection.name}"
        raise DomainError("rebuild.running", f"{projection.name} is being built anew", hint=hint) from error
    return left is None


def _failed(error: ProjectionFailedError) -> DomainError:
    return DomainError(
        "projection.failed",
        f"{error.name} can't go on: {kind_of(error.__cause__)}",
        hint="What was done stays: try again when the database lets it.",
    )


def _named(projecting: Projecting, name: str) -> Projection:
    found = {projection.name: projection for projection in projecting.projections}
    if name not in found:
        raise DomainError(
            "projection.not_found", f"there is no projection {name}", hint=f"Projections are {', '.join(found)}."
        )
    return found[name]


async def _check_tenant(projecting: Projecting, tenant_id: UUID | None) -> None:
    """A slip in an id must not look like work that was done."""
    if tenant_id and all(tenant_id != each.tenant_id for each in await projecting.log.tenants()):
        raise DomainError("tenant.not_found", f"there is no tenant {tenant_id}")


def _counting(meter: Meter, stage: str, total: int) -> Callable[[int], None]:
    done = 0

    def count(events: int) -> None:
        nonlocal done
        done += events
        meter(stage, min(done, total), total)

    return count


def _done(name: str, rebuilt: Rebuilt, seconds: float) -> Done:
    level = [each for each in rebuilt.compared if each.is_level]
    return Done(
        name=name,
        events=rebuilt.events,
        seconds=seconds,
        resumed=rebuilt.was_resumed,
        different=[each for each in level if not each.is_equal],
        uncompared=len(rebuilt.compared) - len(level),
    )
