"""How much memory the local Postgres keeps pages in."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_LEAST_MB: Final = 128
_MOST_MB: Final = 8192  # what a log of ten million events takes
_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),  # as a container sees its control group, version 2 and version 1
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def buffers_mb(memory: int) -> int:
    """Megabytes of shared buffers where there are so many bytes of memory: a quarter, as Postgres' manual advises."""
    return min(max(memory // 4 >> 20, _LEAST_MB), _MOST_MB)


def memory(limits: Sequence[Path] = _LIMITS) -> int:
    """Bytes that this machine has, or that its container may have if that is less."""
    given = [text for path in limits if path.exists() and (text := path.read_text(encoding="ascii").strip()) != "max"]
    return min([os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *map(int, given)])
