"""Postgres takes its share of the memory that there is."""

from pathlib import Path

import psycopg
import pytest

from infra.embedded.client import start
from infra.embedded.memory import buffers_mb, memory

GB = 1024**3


@pytest.mark.parametrize(("there_is", "taken"), [(GB // 4, 128), (4 * GB, 1024), (24 * GB, 6144), (256 * GB, 8192)])
def test_pages_are_kept_in_a_quarter_of_the_memory_within_bounds(there_is: int, taken: int) -> None:
    assert buffers_mb(there_is) == taken


@pytest.mark.parametrize(
    ("limit", "seen"), [("536870912\n", GB // 2), ("max\n", memory([])), (f"{2**63}\n", memory([]))]
)
def test_a_container_has_what_it_is_given(limit: str, seen: int, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(limit)
    assert memory([tmp_path / "memory.max", tmp_path / "not there"]) == seen


def test_postgres_is_told(data: Path) -> None:
    with (
        start(data, ["postgres"], buffers_mb=160) as embedded,
        psycopg.connect(embedded.wait("postgres", 60)) as connection,
    ):
        assert connection.execute("SHOW shared_buffers").fetchone() == ("160MB",)
