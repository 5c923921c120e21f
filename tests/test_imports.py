"""The domain is the standard library and msgspec, nothing else: import-linter can forbid packages, not allow a few."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED = sys.stdlib_module_names | {"domain", "msgspec"}


def imported(source: str) -> Iterator[str]:
    """The package of every import, wherever in a file it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "domain" if node.level else str(node.module).partition(".")[0]


def test_the_domain_imports_the_standard_library_and_msgspec_alone() -> None:
    files = sorted((ROOT / "domain").rglob("*.py"))
    assert len(files) > 10
    foreign = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in imported(file.read_text())
        if name not in ALLOWED
    }
    assert foreign == set()


def test_an_import_is_found_wherever_it_stands() -> None:
    source = "import os, litestar.types\nfrom . import event\ndef late():\n    from psycopg.rows import dict_row\n"
    assert set(imported(source)) - ALLOWED == {"litestar", "psycopg"}
