"""What the columns of a file probably are, for whom brings it."""

import asyncio
from collections.abc import Sequence
from functools import partial

from commands.cells import unguarded
from commands.identity.access import Principal
from commands.imports import mapping as import_mapping
from commands.imports.portion import Deciding, customs_of
from commands.visible import CONTACTS, view_of

Guess = dict[str, str | None]


async def guessed(
    deciding: Deciding, caller: Principal, columns: Sequence[str], sample: Sequence[Sequence[str]]
) -> Guess:
    """What each column is by its header and first values; None where nothing says it, or it is not theirs to write."""
    guess = await asyncio.to_thread(partial(import_mapping.guessed, columns, sample, labels_of(caller)))
    guess = import_mapping.writable(guess, view_of(caller, CONTACTS))
    return await _without_strangers(deciding, caller, guess, columns, sample)


def labels_of(caller: Principal) -> dict[str, str]:
    """The tenant's own fields of contacts, with their labels."""
    return {key: each.label for key, each in customs_of(caller).items()}


async def _without_strangers(
    deciding: Deciding, caller: Principal, guess: Guess, columns: Sequence[str], sample: Sequence[Sequence[str]]
) -> Guess:
    """A guess without a column of owners of whom none is a user here: then the file is another company's."""
    for place, column in enumerate(columns):
        if guess.get(column) == "owner":
            cells = {unguarded(row[place]).strip() for row in sample if place < len(row)} - {""}
            known = [await deciding.user_named(caller.tenant_id, cell) for cell in sorted(cells)]
            if known and not any(known):
                return guess | {column: None}
    return guess
