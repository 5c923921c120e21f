"""What was promised to clients beside what the log has: each acknowledged command once, and no event without one."""

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from tests.faults.checks.log import Log, Trace
from tests.faults.checks.report import Report
from tests.faults.checks.walls import foreign
from tests.faults.journal import Command, History

APPEND = "append"
"""What was written past the API: any events."""


def compare(log: Log, history: History, report: Report) -> None:
    """Report what was lost, doubled, or nobody asked for."""
    traces: dict[str, list[Trace]] = defaultdict(list)
    for trace in log.traces.values():
        if trace.correlation_id in history.commands:
            traces[trace.correlation_id].append(trace)
        elif trace.last > history.tenants[trace.tenant]:
            report.problems.append(f"tenant {trace.tenant}: no command explains position {trace.first}")
    for mark, command in history.commands.items():
        found = traces.get(mark, [])
        for problem in (*_answers(command), *_events(command, found), *_contents(mark, found, history)):
            report.problems.append(f"{mark} ({command.what}, tenant {command.tenant}): {problem}")
    report.acked, report.refused, report.unknown = history.acked, history.refused, history.unknown
    report.lost = sum(command.lost for command in history.commands.values())
    report.faults = dict(history.faults)


def _answers(command: Command) -> Iterator[str]:
    """Of one command there is one answer, whoever asks how often, and a refusal is the one that was due."""
    if len({(acked.position, acked.stream) for acked in command.acked}) > 1:
        yield f"acknowledged differently: {command.acked}"
    if command.acked and command.refused:
        yield f"acknowledged, and refused with {command.refused}"
    if command.refused and command.refused != command.refusal:
        yield f"refused with {command.refused}"
    if command.acked and command.refusal and not command.maybe:
        yield f"acknowledged, but it had to be refused with {command.refusal}"


def _events(command: Command, found: list[Trace]) -> Iterator[str]:
    if len(found) > 1:
        yield f"carried out {len(found)} times, at positions {[trace.last for trace in found]}"
    if any(trace.tenant != command.tenant for trace in found):
        yield f"carried out for tenant {found[0].tenant}"
    if command.lost:
        if found:
            yield f"it is there, at {found[0].last}, though it was written after the copy that was put back"
    elif command.refused and found:
        yield f"refused, but there at {found[0].first}"
    elif command.acked and not found:
        yield f"acknowledged at {command.acked[0].position}, and lost"
    elif command.acked and found:
        yield from _place(command, found[0])
    for trace in found:
        contacts = [stream for topic, stream in trace.streams if topic.partition(".")[0] == "contact"]
        if len(contacts) != 1 and command.what != APPEND:
            yield f"carried out in part: {trace.streams}"


def _place(command: Command, trace: Trace) -> Iterator[str]:
    acked = command.acked[0]
    streams: set[UUID] = {stream for _, stream in trace.streams}
    if trace.last != acked.position or acked.stream not in streams:
        yield f"acknowledged as {acked.stream} at {acked.position}, but there as {streams} at {trace.last}"


def _contents(mark: str, found: list[Trace], history: History) -> Iterator[str]:
    """Its events say what it said, and nothing that another said."""
    for trace in found:
        for other in trace.marks - {mark}:
            yield f"its events have {other}"
            yield from foreign("store.event", trace.tenant, other, history)
