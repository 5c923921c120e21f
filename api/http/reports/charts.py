"""What the charts of reports and of the pipeline show."""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum

from api.http.charts import MOST_COLORS, NONE, OTHERS, Bars
from domain.lead_status import Status
from domain.money import Money
from projections.pipeline.figures import PipelineView, StatusView, TrendRow
from projections.reports.figures import GroupBy, NextActions, ReportRow

_HOUR = 3600


class Figure(StrEnum):
    """Which of a report's figures a chart shows."""

    COUNT = "count"
    OUTCOMES = "outcomes"
    RESPONSE_SECONDS = "response_seconds"
    NEXT_ACTIONS = "next_actions"


_TITLES = {
    Figure.COUNT: "Interactions",
    Figure.OUTCOMES: "Outcomes of interactions",
    Figure.RESPONSE_SECONDS: "Hours until an answer",
    Figure.NEXT_ACTIONS: "Next actions",
}


def report_bars(
    rows: Sequence[ReportRow], others: ReportRow | None, group_by: GroupBy, figure: Figure, *, with_types: bool
) -> Bars:
    """A bar for each row, and one for what is not among them, where that can be added up."""
    every = [*rows, *([others] if others and figure is not Figure.RESPONSE_SECONDS else ())]
    labels = [row.label or row.key or NONE for row in every]
    if figure is Figure.COUNT:
        series = _parts(every, _types if with_types else _all)
    elif figure is Figure.OUTCOMES:
        series = _parts(every, lambda row: row.by_outcome)
    elif figure is Figure.NEXT_ACTIONS:
        series = {
            "due": [row.next_actions.due for row in every],
            "overdue": [row.next_actions.overdue for row in every],
        }
    else:
        series = {
            "median": [_hours(row.response_seconds.median) for row in every],
            "90th percentile": [_hours(row.response_seconds.p90) for row in every],
        }
    title = f"{_TITLES[figure]} by {group_by.value}"
    return Bars(
        title=title,
        description=_told(title, labels, [row.count for row in every]),
        labels=labels,
        series=series,
        stacked=figure is not Figure.RESPONSE_SECONDS,
        upright=group_by is GroupBy.PERIOD,
    )


def remainder(rows: Sequence[ReportRow], every: Sequence[ReportRow]) -> ReportRow | None:
    """What all rows together (in whichever groups) have beyond some of them; None where that is nothing."""
    left = {name: _summed(every, name) for name in ("by_type", "by_outcome")}
    for name, counts in left.items():
        counts.subtract(_summed(rows, name))
    count = sum(row.count for row in every) - sum(row.count for row in rows)
    due, overdue = (
        sum(getattr(row.next_actions, name) for row in every) - sum(getattr(row.next_actions, name) for row in rows)
        for name in ("due", "overdue")
    )
    if not count:
        return None
    return ReportRow(
        key=None,
        label=OTHERS,
        count=count,
        by_type=dict(+left["by_type"]),
        by_outcome=dict(+left["by_outcome"]),
        next_actions=NextActions(due, overdue),
    )


def _summed(rows: Sequence[ReportRow], name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        found.update(getattr(row, name))
    return found


def _types(row: ReportRow) -> dict[str, int]:
    """Its types, and those of which it is not known."""
    return row.by_type | {NONE: row.count - sum(row.by_type.values())}


def _all(row: ReportRow) -> dict[str, int]:
    return {"interactions": row.count}


def _parts(rows: Sequence[ReportRow], parts: Callable[[ReportRow], dict[str, int]]) -> dict[str, list[float | None]]:
    """A series for each of the most frequent parts, and one for the others."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(parts(row))
    ordered = sorted(+total, key=lambda name: (-total[name], name))
    shown = ordered if len(ordered) <= MOST_COLORS else ordered[: MOST_COLORS - 1]
    series: dict[str, list[float | None]] = {name: [parts(row).get(name, 0) for row in rows] for name in shown}
    if len(shown) < len(ordered):
        rest = [sum(parts(row).values()) - sum(parts(row).get(name, 0) for name in shown) for row in rows]
        series[OTHERS if OTHERS not in series else f"{OTHERS} "] = list(rest)
    return series


def pipeline_bars(found: PipelineView, *, with_values: bool) -> Bars:
    """A bar for each status, with the leads that stand there."""
    labels = [_status(each, with_values=with_values) for each in found.statuses]
    rate = "" if found.win_rate is None else f" Won of those closed: {found.win_rate:.0%}."
    title = "Pipeline"
    counts = [each.count for each in found.statuses]
    return Bars(
        title=title,
        description=_told(title, labels, counts) + rate,
        labels=[f"{label} ({count})" for label, count in zip(labels, counts, strict=True)],
        series={"leads": list(counts)},
    )


def _status(each: StatusView, *, with_values: bool) -> str:
    values = [_money(value) for value in each.values] if with_values else []
    return ", ".join([each.status.value, *values])


def _money(value: Money) -> str:
    return f"{value.amount} {value.currency}"


def trend_bars(rows: Sequence[TrendRow]) -> Bars:
    """A bar for each period, with the entries into each status."""
    labels = [str(row.period) for row in rows]
    series: dict[str, list[float | None]] = {
        status.value: [getattr(row, status.value) for row in rows] for status in Status
    }
    title = "Entries into each status"
    totals = [sum(getattr(row, status.value) for status in Status) for row in rows]
    return Bars(title=title, description=_told(title, labels, totals), labels=labels, series=series, upright=True)


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / _HOUR, 2)


def _told(title: str, labels: Sequence[str], counts: Sequence[int]) -> str:
    """The chart in words, for those who can't see it."""
    if not labels:
        return f"{title}: nothing to show."
    parts = [f"{label}: {count}" for label, count in zip(labels, counts, strict=True)]
    return f"{title}. {'; '.join(parts)}."
