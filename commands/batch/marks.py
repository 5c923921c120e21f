"""Of several batches that add a record of one key at the same moment, one alone does: each leaves a mark for the next.

Keys that several records may have, like e-mails, are no unique claims, so nothing else would keep two batches that look
for one at the same time, and find nobody, from adding one each. A mark is a claim of the last record that a batch added
or changed for a key that it had not found. It says nothing about who has the key now, and is never given up: it goes
over from the one that was read before the look-up, so whoever looked before somebody else's append is refused, and
looks again.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from commands.batch.results import Result
from commands.decision import Lookup
from commands.ports import Claim, EventStore

Marks = Mapping[Lookup, UUID]
"""The records that were added last, by kind of the mark and value of the key."""


async def before(store: EventStore, tenant_id: UUID, kind: str | None, keys: Collection[Lookup]) -> Marks:
    """The marks of some keys, to be read before records are looked for; none without a kind."""
    return await store.holders(tenant_id, {(kind, value) for _, value in keys}) if kind else {}


def left(
    tenant_id: UUID,
    kind: str,
    keys: Sequence[tuple[Sequence[Lookup], Result]],
    matched: Mapping[Lookup, Sequence[UUID]],
    marks: Marks,
) -> tuple[list[Claim], list[Claim]]:
    """The marks that a batch takes, and those that they go over from: of each item its keys and what came of it."""
    taken: dict[str, UUID] = {}
    for asked, result in keys:
        if result.stream_id is not None and result.error is None:
            taken |= {key[1]: result.stream_id for key in asked if result.stream_id not in matched.get(key, ())}
    held = {value: marks[kind, value] for value in taken if marks.get((kind, value), taken[value]) != taken[value]}
    return (
        [Claim(tenant_id, kind, value, stream_id) for value, stream_id in taken.items()],
        [Claim(tenant_id, kind, value, stream_id) for value, stream_id in held.items()],
    )
