"""What the lines of the golden file about scoring are read as today."""

from uuid import UUID

from domain.event import Event
from domain.interaction import Direction, Type
from domain.lead_score import LeadScoreContributed
from domain.money import Money
from domain.scoring import FieldCondition, InteractionCondition, Operator, Rule, ScoringRulesSet

LEAD = UUID("01890000-0000-7000-8000-0000000000d1")
_IDS = [UUID(f"01890000-0000-7000-8000-0000000001{number:02}") for number in range(5)]

SCORING: dict[str, Event] = {
    "no scoring rules": ScoringRulesSet(rules=()),
    "scoring rules of every kind": ScoringRulesSet(
        rules=(
            Rule(id=_IDS[0], label="Web", when=FieldCondition("source", Operator.EQ, "web"), points=10),
            Rule(id=_IDS[1], label="Open", when=FieldCondition("status", Operator.IN, ("new", "qualified")), points=-5),
            Rule(
                id=_IDS[2],
                label="Large",
                when=FieldCondition("value", Operator.GTE, Money("1000.00", "EUR")),
                points=20,
            ),
            Rule(id=_IDS[3], label="Owned", when=FieldCondition("owner_id", Operator.HAS), points=1),
            Rule(
                id=_IDS[4],
                label="Wrote",
                when=InteractionCondition(Type.EMAIL, Direction.INBOUND),
                points=5,
                decay_days=30,
            ),
        )
    ),
    "a score from outside": LeadScoreContributed(
        subject_id=LEAD, name="win_model", value=0.8, confidence=0.5, explanation="Like nine that were won."
    ),
    "a score from outside without words": LeadScoreContributed(
        subject_id=LEAD, name="win_model", value=3, confidence=1
    ),
}
