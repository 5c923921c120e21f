"""What became of rows, taken together; and whether more may become of them. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from commands.identity.access import Principal
from commands.imports import mapping as import_mapping
from commands.imports import rows as import_rows
from commands.imports.portion import PERMISSION, Outcome
from commands.imports.rows import EMAIL, PHONE
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


def met_by(outcomes: Sequence[Outcome]) -> list[tuple[str, UUID]]:
    """The keys under which rows have met contacts, to be kept for the portions after."""
    met: dict[tuple[str, UUID], None] = {}
    for each in outcomes:
        if each.contact is not None and each.events:
            for kind, value in import_rows.keys_of(each.contact):
                if kind in {EMAIL, PHONE}:
                    met[f"{kind}:{value}", each.contact.id] = None
    return list(met)


def is_allowed(state: Import, caller: Principal, view: Any) -> bool:
    """Whether who started it may still write what it writes."""
    if PERMISSION not in caller.grants:
        return False
    return import_mapping.writable(state.mapping, view) == state.mapping
