"""What is told of a lead's score: what it is made of, as of which day, and what models outside say beside it."""

from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.lead_score import Contribution
from domain.scoring import FieldCondition, InteractionCondition, Rule
from projections.leads import contribution as lead_contribution
from projections.leads.scoring import Part
from projections.leads.scoring_pass import load
from projections.leads.scoring_rules import newest
from projections.ports import Connection

_SCORE = "SELECT score, parts::text FROM read.lead_score_v1 WHERE tenant_id = %s AND id = %s"

Hides = Callable[[FieldCondition | InteractionCondition], bool]
"""Whether a rule is about something that the reader must not see."""

_parts = msgspec.json.Decoder(list[Part])


class PartView(Struct, frozen=True, kw_only=True):
    """Points by one rule for one thing: a state of the lead or an interaction, by the event that made it so.

    `at` is when that happened, `position` the event's place in the tenant's log; `points` what they are worth by now.
    """

    rule_id: UUID
    label: str
    points: int
    position: int
    at: datetime


class ExternalView(Struct, frozen=True, kw_only=True):
    """What a model outside says of the lead; it is shown beside the score and not part of it."""

    name: str
    value: float
    confidence: float
    explanation: str | None
    at: datetime


class ScoreView(Struct, frozen=True, kw_only=True):
    """A score and of what it is made. `scored_on` is the day (UTC) that decay has got to, null where no rules were set.

    `recalculating`: the rules were changed, and this score is still by the ones before.
    """

    score: int
    scored_on: date | None
    recalculating: bool
    parts: tuple[PartView, ...]
    external: tuple[ExternalView, ...]


async def explained(connection: Connection, tenant_id: UUID, lead_id: UUID, hides: Hides) -> ScoreView:
    """A lead's score, without the parts that the reader must not see."""
    at = await load(connection, tenant_id, schema="read.")
    last = await newest(connection, tenant_id)
    said = [_external(each) for each in await lead_contribution.of_lead(connection, tenant_id, lead_id)]
    if at is None:
        return ScoreView(score=0, scored_on=None, recalculating=last > 0, parts=(), external=tuple(said))
    row = await (await connection.execute(_SCORE, (tenant_id, lead_id))).fetchone()
    score, parts = (row[0], _parts.decode(row[1])) if row else (0, [])
    passed = at.has_passed(lead_id)
    day = (at.next_day if passed else None) or at.day
    rules = {rule.id: rule for rule in (at.coming if passed else at.standing)}
    return ScoreView(
        score=score,
        scored_on=day,
        recalculating=(at.next_rules if passed else at.rules) != last,
        parts=tuple(
            _part(part, rules[part.rule], day)
            for part in parts
            if part.rule in rules and part.worth(day) and not hides(rules[part.rule].when)
        ),
        external=tuple(said),
    )


async def is_recalculating(connection: Connection, tenant_id: UUID) -> bool:
    """Whether some scores are still by rules before the newest ones."""
    at = await load(connection, tenant_id, schema="read.")
    return (at.rules if at else 0) != await newest(connection, tenant_id)


def _part(part: Part, rule: Rule, day: date) -> PartView:
    return PartView(rule_id=rule.id, label=rule.label, points=part.worth(day), position=part.position, at=part.at)


def _external(said: Contribution) -> ExternalView:
    return ExternalView(
        name=said.name,
        value=said.value,
        confidence=said.confidence,
        explanation=said.explanation,
        at=said.updated_at,
    )
