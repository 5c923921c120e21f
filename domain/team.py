"""Teams: users whose records reach each other where a permission is good for the team's."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from domain.event import Event


class TeamFounded(Event, topic="team.founded.v1"):
    """A team, of nobody yet."""

    name: str


class TeamMembersChanged(Event, topic="team.members_changed.v1"):
    """These users make up a team from now on, and no others."""

    user_ids: tuple[UUID, ...]


class Team(Struct, frozen=True, kw_only=True):
    """State of a team; `version` counts the stream's events."""

    id: UUID
    version: int
    name: str
    user_ids: tuple[UUID, ...] = ()
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


EVENTS = (TeamFounded, TeamMembersChanged)


def evolve(team: Team | None, event: Event, *, stream_id: UUID, at: datetime) -> Team:
    """Apply one event.

    Raises:
        TypeError: the event is none of a team's, or comes where it can't.
    """
    match team, event:
        case None, TeamFounded(name=name):
            return Team(id=stream_id, version=1, name=name, created_at=at, updated_at=at)
        case Team(version=version), TeamMembersChanged(user_ids=user_ids):
            return structs.replace(team, version=version + 1, updated_at=at, user_ids=user_ids)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this team")
