"""Tables of the command line."""

from io import StringIO
from uuid import uuid4

import pytest
from rich.console import Console
from rich.table import Table

from api.cli.tables import print_whole


@pytest.mark.parametrize("width", [20, 80, 200])
def test_nothing_in_a_table_is_shortened_however_narrow_the_terminal(width: int) -> None:
    ids, said = [str(uuid4()), str(uuid4())], StringIO()
    table = Table("tenant", "stream", "reason", box=None)
    table.add_row(*ids, "a reason that is longer than many a line of a terminal would be")
    print_whole(Console(file=said, width=width), table)
    _, row = said.getvalue().splitlines()
    assert row.split() == [
        *ids,
        *["a", "reason", "that", "is", "longer", "than", "many", "a", "line", "of", "a", "terminal", "would", "be"],
    ]
