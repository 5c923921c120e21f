"""All benchmarks, one after the other."""

import sys
from collections.abc import Sequence
from types import ModuleType

from bench import (
    append,
    chain,
    command,
    export,
    footprint,
    gate,
    growth,
    imports,
    interactions,
    lag,
    login,
    pipeline,
    rebuild,
    relay,
    report,
    reports,
    search,
    stream,
    sweep,
    timeline,
    users,
)

PROGRAMS = (
    append,
    chain,
    command,
    export,
    footprint,
    gate,
    growth,
    imports,
    interactions,
    lag,
    login,
    pipeline,
    rebuild,
    relay,
    reports,
    search,
    stream,
    sweep,
    timeline,
    users,
)
"""Those of docs/benchmarks.md."""


def main(arguments: Sequence[str], programs: Sequence[ModuleType] = PROGRAMS) -> None:
    report.head(arguments)
    for program in programs:
        program.main()


if __name__ == "__main__":
    main(sys.argv)
