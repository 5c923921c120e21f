"""Who of a tenant's contacts people are that are no contacts yet: rows of a file, say. Many at once."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from domain.matching import MERGE_AT, SUGGEST_AT
from projections.duplicates import people as match_people
from projections.duplicates.blocks import blocks, neighbours
from projections.duplicates.people import InForce
from projections.duplicates.rules import rules_of
from projections.matching import blocking, weights
from projections.matching.person import Person
from projections.ports import Connection

_QUICK = 20


class Like(Struct, frozen=True):
    """A contact that somebody probably is; `sure` when it is probable enough to be merged without being asked."""

    contact_id: UUID
    probability: float
    sure: bool


class Finder(Struct, frozen=True):
    """What people are compared with, for as long as a job takes: rules that change meanwhile are not seen."""

    tenant_id: UUID
    force: InForce
    suggest_at: float = SUGGEST_AT
    merge_at: float = MERGE_AT

    @property
    def keys(self) -> tuple[str, ...]:
        """What `projections.duplicates.people.of_contact` and `projections.matching.person.person` take."""
        return self.force.keys

    async def find(self, connection: Connection, people: Sequence[Person]) -> list[Like | None]:
        """The most probable contact for each; None where none is as probable as what is suggested."""
        keys = [blocking.keys(each, self.tenant_id.bytes) for each in people]
        held = await blocks(connection, self.tenant_id, (key for of_one in keys for key in of_one), schema="read.")
        near = [sorted(neighbours(of_one, held)) for of_one in keys]
        ids = {each for of_one in near for each in of_one}
        if not ids:
            return [None] * len(people)
        there = await match_people.by_id(connection, self.tenant_id, self.keys, ids)
        if len(people) < _QUICK:
            return self._best(people, near, there)
        return await asyncio.to_thread(self._best, people, near, there)

    def among(self, people: Sequence[Person]) -> list[tuple[int, float] | None]:
        """For each, the number and probability of the most probable one before it in the same list."""
        keys = [blocking.keys(each, self.tenant_id.bytes) for each in people]
        held: dict[int, list[int]] = {}
        found: list[tuple[int, float] | None] = []
        for number, of_one in enumerate(keys):
            near = {other for key in of_one for other in held.get(key, ())[-blocking.MOST_IN_BLOCK :]}
            best = max(((self._probability(people[number], people[other]), -other) for other in near), default=(0.0, 0))
            found.append((-best[1], best[0]) if best[0] >= self.suggest_at else None)
            for key in of_one:
                held.setdefault(key, []).append(number)
        return found

    def _best(
        self, people: Sequence[Person], near: Sequence[Sequence[UUID]], there: Mapping[UUID, Person]
    ) -> list[Like | None]:
        found: list[Like | None] = []
        for person, ids in zip(people, near, strict=True):
            scores = ((self._probability(person, there[each]), each) for each in ids if each in there)
            score, contact_id = max(scores, default=(0.0, self.tenant_id))
            found.append(Like(contact_id, score, score >= self.merge_at) if score >= self.suggest_at else None)
        return found

    def _probability(self, one: Person, other: Person) -> float:
        return weights.probability(self.force.model, weights.compare(self.force.model, one, other))


async def finder(connection: Connection, tenant_id: UUID) -> Finder:
    """What to compare with now."""
    rules = await rules_of(connection, tenant_id)
    force = await match_people.in_force(connection, tenant_id)
    return Finder(tenant_id, force, rules.suggest_at, rules.merge_at)
