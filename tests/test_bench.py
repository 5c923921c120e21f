"""How benchmarks are asked for and told; their figures are in docs/benchmarks.md."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from bench import __main__ as bench
from bench import report
from bench.chain import unchained
from bench.plain import unchained_one
from bench.report import Figure

FIGURE = Figure("append.chain", 47.3, 31.4, 0.66, "us/event")


def program(arguments: list[str]) -> ModuleType:
    made = ModuleType("bench.made_up")
    made.main = lambda: report.show([FIGURE], arguments)  # type: ignore[attr-defined]
    return made


def test_for_programs_every_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["bench", "--json"], [program(["--json"])])
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["name"] == FIGURE.name


def test_for_people_the_columns_have_names(capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["bench"], [program([])])
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "ours", "reference", "ratio", "unit"]
    assert line.split() == ["append.chain", "47.30", "31.40", "0.66", "us/event"]


def test_the_programs_are_those_of_the_document() -> None:
    rows = re.findall(
        r"^\| `(bench\.\w+)` \|", (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text(), re.MULTILINE
    )
    assert sorted(rows) == sorted(each.__name__ for each in bench.PROGRAMS)


@pytest.mark.parametrize("without", [unchained, unchained_one])
def test_appends_as_they_are_now_can_be_measured_without_the_chain(without: Callable[[], str]) -> None:
    assert "sha256" not in without()
