"""docs/faults.md has the scenarios that there are."""

import re

from tests.acceptance.installation import ROOT
from tests.faults.table import SCENARIOS

_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (yes)? ?\|$", re.MULTILINE)


def test_every_fault_of_the_list_has_a_scenario() -> None:
    assert {scenario.number for scenario in SCENARIOS} == set(range(1, 16)) - {11}, "11 is beside all of them"


def test_the_document_lists_every_scenario() -> None:
    rows = [(int(number), *rest) for number, *rest in _ROW.findall((ROOT / "docs" / "faults.md").read_text())]
    wanted = [(each.number, each.name, each.shows, "yes" if each.quick else "") for each in SCENARIOS]
    assert rows == sorted(wanted, key=lambda row: row[0])


def test_names_tell_scenarios_apart() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(names) == len(set(names))
