"""Finds who is the same person in a list that is held in memory."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from projections.matching import blocking


def candidates(keys: Sequence[Iterable[int]], most: int = blocking.MOST_IN_BLOCK) -> Iterator[tuple[int, int]]:
    """Pairs of numbers (the smaller first) of those who share a key that not too many share; each pair once."""
    blocks: defaultdict[int, list[int]] = defaultdict(list)
    for number, of_one in enumerate(keys):
        for key in of_one:
            blocks[key].append(number)
    for number, of_one in enumerate(keys):
        near = {other for key in of_one if len(blocks[key]) <= most for other in blocks[key] if other > number}
        yield from ((number, other) for other in sorted(near))
