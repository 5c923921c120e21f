"""Of several batches that add a record of one key at the same moment, one alone does: each leaves a mark for the next.

Keys that several records may have, like e-mails, are no unique claims, so nothing else would keep two batches that look
for one at the same time, and find nobody, from adding one each. A mark is a claim of the last record that a batch added
or changed for a key that it had not found. It says nothing about who has the key now, and is never given up: it goes
over from the one that was read before the look-up, so whoever looked before somebody else's append is refused, and
looks again.

Imports are sparing: a claim for each of a million rows is for nothing where nobody sends batches. Until the first batch
of a tenant has left a mark, all of an append is one claim, which goes over as marks do; that batch takes it over too.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from commands.batch.results import Result
from commands.decision import Lookup
from commands.ports import Claim, EventStore

Marks = Mapping[Lookup, UUID]
"""The records that were added last, by kind of the mark and value of the key."""

_SPARED, _LEFT = "spared", "left"
"""Beside the values of keys: what goes over with each append that spares its marks, and what is held from the first on
that did not."""


class Mark(Struct, frozen=True):
    """The `kind` of claims that are left for keys `of` a kind; who is `sparing` begins when others have left some."""

    kind: str
    of: str
    sparing: bool = False


async def before(store: EventStore, tenant_id: UUID, mark: Mark | None, keys: Collection[Lookup]) -> Marks:
    """The marks of some keys, to be read before records are looked for; none without a mark."""
    if mark is None:
        return {}
    wanted = {(mark.kind, _SPARED), (mark.kind, _LEFT)}
    if mark.sparing:
        held = await store.holders(tenant_id, wanted)
        if (mark.kind, _LEFT) not in held:
            return held
    return await store.holders(tenant_id, wanted | {(mark.kind, value) for kind, value in keys if kind == mark.of})


def candidates(
    mark: Mark | None, marks: Marks, keys: Collection[Lookup], found: Mapping[Lookup, Sequence[UUID]]
) -> Mapping[Lookup, Sequence[UUID]]:
    """What was found for keys, and the records of their marks: a read model need not have those yet.

    They need not have the key any more, either.
    """
    if mark is None:
        return found
    held = {key: marks[mark.kind, key[1]] for key in keys if key[0] == mark.of and (mark.kind, key[1]) in marks}
    return {**found, **{key: (*found.get(key, ()), record) for key, record in held.items()}}


def left(
    tenant_id: UUID,
    mark: Mark,
    keys: Sequence[tuple[Sequence[Lookup], Result]],
    matched: Mapping[Lookup, Sequence[UUID]],
    marks: Marks,
    command_id: UUID,
) -> tuple[list[Claim], list[Claim]]:
    """The marks that a batch takes, and those that they go over from: of each item its keys and what came of it."""
    taken: dict[str, UUID] = {}
    for asked, result in keys:
        if result.stream_id is not None and result.error is None:
            missed = (key for key in asked if key[0] == mark.of and result.stream_id not in matched.get(key, ()))
            taken |= {value: result.stream_id for _, value in missed}
    if taken and (mark.kind, _LEFT) not in marks:
        # No record: the same one twice in a row would not show that there was an append in between.
        taken = {_SPARED: command_id} if mark.sparing else taken | {_SPARED: command_id, _LEFT: command_id}
    held = {
        value: marks[mark.kind, value] for value in taken if marks.get((mark.kind, value), taken[value]) != taken[value]
    }
    return (
        [Claim(tenant_id, mark.kind, value, stream_id) for value, stream_id in taken.items()],
        [Claim(tenant_id, mark.kind, value, stream_id) for value, stream_id in held.items()],
    )
