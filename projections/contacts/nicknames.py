"""What people are called instead of their names: Bob for Robert, Sasha for Alexander and for Alexandra."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def also_called(word: str) -> frozenset[str]:
    """The names that somebody may go by who is asked for by this one: a name's short forms, a short form's names."""
    return _names().get(word, frozenset())


@cache
def _names() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for line in Path(__file__).with_suffix(".txt").read_text().splitlines():
        name, *shorts = line.split() if not line.startswith("#") else [""]
        for short in shorts:
            found[name].add(short)
            found[short].add(name)
    return {name: frozenset(others) for name, others in found.items()}
