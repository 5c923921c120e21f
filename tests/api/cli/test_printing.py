"""Tables of the command line."""

from io import StringIO
from uuid import uuid4

import pytest
from rich.console import Console
from rich.table import Table

from api.cli.printing import print_whole


@pytest.mark.parametrize("width", [20, 80, 200])
def test_nothing_in_a_table_is_shortened_however_narrow_the_terminal(width: int) -> None:
    cells = [str(uuid4()), str(uuid4()), "a reason that is longer than what is left of a line"]
    table, said = Table("tenant", "stream", "reason", box=None, pad_edge=False), StringIO()
    table.add_row(*cells)
    print_whole(Console(file=said, width=width), table)
    _, row = said.getvalue().splitlines()
    assert row.rstrip() == "  ".join(cells)
