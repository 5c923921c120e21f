"""What a model outside can say of a lead: a value, how sure it is, and why. Pure: state in, events out."""

import math
import re
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commands import normalise
from commands.decision import Decision, Given
from commands.normalise import Problems
from domain.lead_score import Contribution, LeadScoreContributed

NAME = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
"""What models are called."""
MOST, LONGEST = 1_000_000_000, 2000


class Score(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a model says of a lead."""

    value: Annotated[float, Meta(description="On whatever scale the model has.")]
    confidence: Annotated[float, Meta(description="How sure it is, 0 to 1.")]
    explanation: Annotated[str, Meta(description="Why, for people; up to 2000 characters.")] | None = None


class ContributeScore(Struct, frozen=True, kw_only=True):
    """What the model of a name says of a lead from now on."""

    lead_id: UUID
    name: str
    score: Score


def contribute(command: ContributeScore, given: Given[Contribution]) -> Decision:
    """Another word than before; nothing when it is the same.

    Raises:
        InvalidError: a member makes no sense.
    """
    problems, score = Problems(given.errors), command.score
    if not NAME.fullmatch(command.name):
        message = "must be a lower-case word like win_model: letters, digits, point, dash, underscore"
        problems.add("", "score.name", f"the last part of the path {message}")
    for name, least, most in (("value", -MOST, MOST), ("confidence", 0, 1)):
        number = getattr(score, name)
        # What could not be read is None, and in the problems already.
        if number is not None and not (math.isfinite(number) and least <= number <= most):
            problems.add(f"/{name}", "value.out_of_range", f"is not from {least} to {most}")
    text = score.explanation and normalise.text(score.explanation, "/explanation", problems, longest=LONGEST)
    problems.raise_if_any()
    said = {"value": float(score.value), "confidence": float(score.confidence), "explanation": text or None}
    if given.state and all(getattr(given.state, name) == value for name, value in said.items()):
        return Decision()
    event = LeadScoreContributed(
        subject_id=command.lead_id,
        name=command.name,
        value=float(score.value),
        confidence=float(score.confidence),
        explanation=text or None,
    )
    return Decision(events=(event,))
