"""What Prometheus is told of: how far read models lag, what is parked, what waits. Labels name tenants by their ids."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, LiteralString, Protocol

import psycopg
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from psycopg_pool import PoolTimeout

from infra.postgres import Pool

MOST_TENANTS = 100
"""Tenants with figures of their own: those that lag most. The sums are over all."""

_LAG: LiteralString = "SELECT projection, tenant_id::text, events, tenants, parked FROM read.lag(%s, %s)"
_BACKLOG: LiteralString = "SELECT store.relay_backlog(), store.sweeps_failing()"

Rows = Sequence[tuple[Any, ...]]


class Violations(Protocol):
    """What was recorded of attempts across tenants, and dropped without a look because too much came."""

    recorded: int
    dropped: int


class Metrics:
    """Figures of this process and of the whole installation; `projections` are the checkpoints to tell of."""

    def __init__(
        self, pool: Pool, projections: Sequence[str], appends_waiting: Callable[[], int], violations: Violations
    ) -> None:
        self._violations = violations
        self._pool = pool
        self._projections = list(projections)
        self._appends_waiting = appends_waiting

    async def text(self) -> bytes:
        """All of it as Prometheus reads it; what only Postgres knows is left out while that is away."""
        figures: list[Metric] = [
            _gauge("rapport_append_waiting", "Appends that wait in this process.", self._appends_waiting()),
            CounterMetricFamily(
                "rapport_security_violations",
                "Events about attempts across tenants that this process has recorded.",
                value=self._violations.recorded,
            ),
            CounterMetricFamily(
                "rapport_security_violations_unseen",
                "Ids told to be of nothing that nobody looked at: too many waited.",
                value=self._violations.dropped,
            ),
        ]
        try:
            lag, (backlog, failing) = await self._asked()
        except (psycopg.Error, PoolTimeout):
            figures.append(_gauge("rapport_postgres_up", "Whether Postgres answers.", 0))
        else:
            figures.append(_gauge("rapport_postgres_up", "Whether Postgres answers.", 1))
            figures.append(_gauge("rapport_relay_backlog_events", "Events that are not published yet.", backlog))
            figures.append(
                _gauge("rapport_sweep_failing_tenants", "Tenants whose leads can't be looked through.", failing)
            )
            figures += _of_projections(lag)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Made(figures))
        return generate_latest(registry)

    async def _asked(self) -> tuple[Rows, tuple[Any, ...]]:
        async with self._pool.connection(timeout=2) as connection:
            lag = await (await connection.execute(_LAG, (self._projections, MOST_TENANTS))).fetchall()
            waiting = await (await connection.execute(_BACKLOG)).fetchone()
            return lag, waiting or (0, 0)


class _Made(Collector):
    """Figures that are gathered already."""

    def __init__(self, figures: Sequence[Metric]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield from self._figures


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=value)


def _of_projections(lag: Rows) -> list[GaugeMetricFamily]:
    """The sums, where a row names no tenant, and the figures of single tenants."""
    of_all, of_tenant = ["projection"], ["projection", "tenant"]
    events = GaugeMetricFamily("rapport_projection_behind_events", "Events not applied yet.", labels=of_all)
    tenants = GaugeMetricFamily("rapport_projection_behind_tenants", "Tenants that are behind.", labels=of_all)
    parked = GaugeMetricFamily("rapport_projection_parked_streams", "Streams that wait for a retry.", labels=of_all)
    one_events = GaugeMetricFamily(
        "rapport_projection_tenant_behind_events", "The same, of the tenants furthest behind.", labels=of_tenant
    )
    one_parked = GaugeMetricFamily(
        "rapport_projection_tenant_parked_streams", "The same, of tenants that have any.", labels=of_tenant
    )
    for projection, tenant, behind, count, waiting in lag:
        if tenant is None:
            events.add_metric([projection], behind)
            tenants.add_metric([projection], count)
            parked.add_metric([projection], waiting)
            continue
        if behind:
            one_events.add_metric([projection, tenant], behind)
        if waiting:
            one_parked.add_metric([projection, tenant], waiting)
    return [events, tenants, parked, one_events, one_parked]
