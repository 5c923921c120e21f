"""What became of rows, taken together; and whether more may become of them. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from commands.identity.access import Principal
from commands.imports import mapping as import_mapping
from commands.imports.portion import PERMISSION, Outcome
from domain.imports import Counts, Import


def counted(outcomes: Sequence[Outcome]) -> Counts:
    """How many of each."""
    actions = Counter(each.action for each in outcomes)
    return Counts(
        created=actions["create"],
        updated=actions["update"],
        merged=actions["merge"],
        skipped=actions["skip"],
        failed=actions["fail"],
        suggested=sum(each.suggested for each in outcomes),
    )


def is_allowed(state: Import, caller: Principal, view: Any) -> bool:
    """Whether who started it may still write what it writes."""
    if PERMISSION not in caller.grants:
        return False
    return import_mapping.writable(state.mapping, view) == state.mapping
