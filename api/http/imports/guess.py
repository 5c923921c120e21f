"""What the columns of an uploaded file probably are, for whom uploads it."""

import asyncio
from collections.abc import Sequence
from functools import partial

from api.http.exchange import HttpRequest, principal_of, services_of
from api.http.imports.reach import labels_of
from commands.cells import unguarded
from commands.imports import mapping as import_mapping
from commands.visible import CONTACTS, view_of

Guess = dict[str, str | None]


async def guessed(request: HttpRequest, columns: Sequence[str], sample: Sequence[Sequence[str]]) -> Guess:
    """What each column is by its header and first values; None where nothing says it, or it is not theirs to write."""
    caller = principal_of(request)
    guess = await asyncio.to_thread(partial(import_mapping.guessed, columns, sample, labels_of(caller)))
    guess = import_mapping.writable(guess, view_of(caller, CONTACTS))
    return await _without_strangers(request, guess, columns, sample)


async def _without_strangers(
    request: HttpRequest, guess: Guess, columns: Sequence[str], sample: Sequence[Sequence[str]]
) -> Guess:
    """A guess without a column of owners of whom none is a user here: then the file is another company's."""
    deciding, tenant_id = services_of(request).imports.deciding, principal_of(request).tenant_id
    for place, column in enumerate(columns):
        if guess.get(column) == "owner":
            cells = {unguarded(row[place]).strip() for row in sample if place < len(row)} - {""}
            known = [await deciding.user_named(tenant_id, cell) for cell in sorted(cells)]
            if known and not any(known):
                return guess | {column: None}
    return guess
