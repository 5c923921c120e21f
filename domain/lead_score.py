"""What a model outside says of a lead, beside its rules: one stream for each lead and name."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct

from domain.event import Event
from domain.personal import Personal


class LeadScoreContributed(Event, topic="lead_score.contributed.v1", data_class="lead"):
    """A model outside gave a lead a value, how sure it is of that (0 to 1), and why. `subject_id` is the lead."""

    subject_id: UUID
    name: str
    value: float
    confidence: float
    explanation: Personal[str | None] = None


class Contribution(Struct, frozen=True, kw_only=True):
    """The last word of a model about a lead; `version` counts the stream's events."""

    id: UUID
    version: int
    lead_id: UUID
    name: str
    value: float
    confidence: float
    explanation: str | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


EVENTS = (LeadScoreContributed,)


def contribution_id(lead_id: UUID, name: str) -> UUID:
    """The stream of what one model says of a lead."""
    return uuid5(lead_id, f"score/{name}")


def evolve(contribution: Contribution | None, event: Event, *, stream_id: UUID, at: datetime) -> Contribution:
    """Apply one event.

    Raises:
        TypeError: the event contributes no score.
    """
    if not isinstance(event, LeadScoreContributed):
        raise TypeError(f"{type(event).__name__} contributes no score")
    version, began = (contribution.version, contribution.created_at) if contribution else (0, at)
    return Contribution(
        id=stream_id,
        version=version + 1,
        lead_id=event.subject_id,
        name=event.name,
        value=event.value,
        confidence=event.confidence,
        explanation=event.explanation,
        created_at=began,
        updated_at=at,
    )
