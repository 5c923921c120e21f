"""What commands print: JSON for machines, and tables that are as wide as they are."""

import sys

import msgspec
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDEST = 1000


def print_json(value: object) -> None:
    """Print one line of JSON, which whoever reads along has at once."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def print_whole(out: Console, table: Table) -> None:
    """Print a table in which nothing is shortened: a terminal that is narrower breaks the lines, a pipe has no width.

    What people copy out of it, and what scripts cut out of it, are whole ids.
    """
    width = Measurement.get(out, out.options.update(max_width=_WIDEST), table).maximum
    # A console prints nothing that is wider than itself.
    Console(file=out.file, width=max(width, out.width), force_terminal=out.is_terminal).print(table)
