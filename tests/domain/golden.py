"""Events as logs may hold them: one of every version ever stored, in a file that only grows.

A line is never changed or taken away, because some log holds such an event. Each carries a digest over the lines before
it, and each name has its expected value in test_golden.py, so neither an edit nor a lost line goes unseen. To add one:

    python -m tests.domain.golden "a lead lost" lead.lost.v1 '{"reason":"price"}'
"""

import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

FILE = Path(__file__).with_name("golden_events.jsonl")


class Golden(Struct, frozen=True):
    """A line: what the event is an example of, its topic, its JSON as it was stored (opened), and the digest."""

    name: str
    topic: str
    data: str
    digest: str


def read(text: str) -> list[Golden]:
    """The lines of a file."""
    return [msgspec.json.decode(line, type=Golden) for line in text.splitlines()]


def digest(before: str, name: str, topic: str, data: str) -> str:
    """The digest of a line after one with the digest `before` ("" for the first)."""
    return sha256(msgspec.json.encode([before, name, topic, data])).hexdigest()


def changed(lines: Sequence[Golden]) -> str | None:
    """The name of the first line that is not what was added after the lines before it."""
    before = ""
    for line in lines:
        if digest(before, line.name, line.topic, line.data) != line.digest:
            return line.name
        before = line.digest
    return None


def add(name: str, topic: str, data: str) -> None:
    """Add a line at the end of the file."""
    lines = read(FILE.read_text())
    before = lines[-1].digest if lines else ""
    made = Golden(name, topic, data, digest(before, name, topic, data))
    with FILE.open("ab") as file:
        file.write(msgspec.json.encode(made) + b"\n")


if __name__ == "__main__":
    add(*sys.argv[1:])
