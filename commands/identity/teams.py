"""What can be asked of teams. Pure: state in, events out."""

from uuid import UUID

from msgspec import Struct

from commands import normalise
from commands.decision import Decision, Given
from commands.normalise import Problems
from domain.team import Team, TeamFounded, TeamMembersChanged

_LONGEST = 200


class FoundTeam(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new team."""

    name: str


class ChangeMembers(Struct, forbid_unknown_fields=True, kw_only=True):
    """The users that make up a team from now on."""

    user_ids: list[UUID]


def lookups(command: ChangeMembers) -> list[tuple[str, str]]:
    """Whether there are such users."""
    return [("user", str(user_id)) for user_id in _ids(command)]


def found(command: FoundTeam, given: Given[Team]) -> Decision:
    """A team more.

    Raises:
        InvalidError: the name is none.
    """
    problems = Problems(given.errors)
    name = ""
    if isinstance(command.name, str):
        name = normalise.filled(command.name, "/name", problems, longest=_LONGEST)
    problems.raise_if_any()
    return Decision(events=(TeamFounded(name=name),))


def change_members(command: ChangeMembers, given: Given[Team]) -> Decision:
    """Other members, each once; nothing when they are the same.

    Raises:
        InvalidError: one is no user.
    """
    team = given.state
    assert team is not None  # noqa: S101  a use case that does not create always has a state
    problems = Problems(given.errors)
    for index, user_id in enumerate(_ids(command)):
        if ("user", str(user_id)) not in given.found:
            problems.add(f"/user_ids/{index}", "user.not_found", "is no user of this company")
    problems.raise_if_any()
    user_ids = tuple(dict.fromkeys(_ids(command)))
    return (
        Decision() if set(user_ids) == set(team.user_ids) else Decision(events=(TeamMembersChanged(user_ids=user_ids),))
    )


def _ids(command: ChangeMembers) -> list[UUID]:
    """Those that could be read."""
    given: list[UUID | None] = [*(command.user_ids or ())]
    return [user_id for user_id in given if user_id is not None]
