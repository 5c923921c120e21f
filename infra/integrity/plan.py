"""Cuts tenants' logs into segments that can be verified apart, none of them through a checkpoint."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from infra.integrity.findings import Segment
from infra.integrity.records import Checkpoint

_MOST_SEGMENTS = 200


def segments(tenant: UUID, last: int, checkpoints: Sequence[Checkpoint], size: int) -> list[Segment]:
    """Segments of about `size` events, together 1 to `last`; the checkpoints lie within that."""
    made: list[Segment] = []
    inside: list[Checkpoint] = []
    first = 1
    for start, end, covering in _blocks(last, checkpoints, size):
        if first < start and end - first + 1 > size:
            made.append(Segment(tenant, first, start - 1, tuple(inside)))
            first, inside = start, []
        inside += covering
    made.append(Segment(tenant, first, last, tuple(inside), streams=not made))
    # Streams cross the cuts, so their versions are looked at all at once.
    return made if len(made) == 1 else [Segment(tenant, 1, 0, streams=True), *made]


def tasks(every: Iterable[Segment], size: int) -> Iterator[list[Segment]]:
    """Segments in portions: of many small tenants several, of a large one each alone."""
    portion: list[Segment] = []
    events = 0
    for segment in every:
        if portion and (events + segment.events > size or len(portion) >= _MOST_SEGMENTS):
            yield portion
            portion, events = [], 0
        portion.append(segment)
        events += segment.events
    if portion:
        yield portion


def _blocks(last: int, checkpoints: Sequence[Checkpoint], size: int) -> Iterator[tuple[int, int, list[Checkpoint]]]:
    """Stretches that stay whole, in order and without gaps: checkpoints that overlap, and what lies between them."""
    position, index = 1, 0
    ordered = sorted(checkpoints, key=lambda each: (each.first, each.last))
    while position <= last:
        covering: list[Checkpoint] = []
        end = position - 1
        while index < len(ordered) and ordered[index].first <= max(end, position):
            covering.append(ordered[index])
            end = max(end, ordered[index].last)
            index += 1
        if not covering:
            end = min(last, position + size - 1, ordered[index].first - 1 if index < len(ordered) else last)
        yield position, end, covering
        position = end + 1
