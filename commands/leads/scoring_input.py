"""Rules of scoring as clients send them."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from domain.interaction import Direction, Type
from domain.scoring import FIELDS, Operator

KINDS = ("field", "interaction")


def _one_of(values: Any, description: str) -> Meta:
    return Meta(description=description, extra_json_schema={"enum": [str(value) for value in values]})


class WhenInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """What points are given for: something that is so of a lead, or interactions with it or its contact."""

    kind: Annotated[str, _one_of(KINDS, "Decides which of the other members are needed.")]
    field: Annotated[str, _one_of(FIELDS, "Of the lead, its contact or company; for kind field.")] | None = None
    operator: Annotated[str, _one_of(Operator, "For kind field.")] | None = None
    value: Annotated[Any, Meta(description="A text, number or money; a list for IN and NOT_IN; none for HAS.")] = None
    type: Annotated[str, _one_of(Type, "Of the interaction; for kind interaction.")] | None = None
    direction: Annotated[str, _one_of(Direction, "Of the interaction; any if left out.")] | None = None


class RuleInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A rule; with the `id` of one that is there it takes that one's place, else it is new."""

    id: UUID | None = None
    label: Annotated[str, Meta(description="What explanations call it, up to 100 characters.")]
    when: WhenInput
    points: Annotated[int, Meta(description="-1000 to 1000.")]
    decay_days: (
        Annotated[int, Meta(description="Worth less every day, and nothing after so many; 1 to 3650.")] | None
    ) = None


class PutScoringRules(Struct, forbid_unknown_fields=True, kw_only=True):
    """All rules, in the order in which explanations name them; up to 200."""

    rules: list[RuleInput]
