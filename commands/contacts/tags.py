"""Tags that are put on a contact and taken off it, whatever else it has. Pure."""

from collections.abc import Iterable

from commands import normalise
from commands.contacts.input import ChangeTags
from commands.decision import Decision, Given
from commands.normalise import Problems
from domain.contact import Contact, ContactChanged

_MOST = 50


def change(command: ChangeTags, given: Given[Contact]) -> Decision:
    """The tags after it, each once (case apart); nothing when they are what they were.

    Raises:
        InvalidError: a tag is none, is to be added and removed, or there would be too many.
    """
    before = given.state
    assert before is not None  # noqa: S101  a use case that does not create always has a state
    problems = Problems(given.errors)
    added = _by_key(normalise.tags(command.add or (), "/add", problems))
    removing: list[str | None] = [*(command.remove or ())]  # None stands where one could not be read
    for index, tag in enumerate(removing):
        if tag is not None and tag.strip().casefold() in added:
            problems.add(f"/remove/{index}", "tag.contradictory", "is to be added too; leave it out of one of them")
    removed = _by_key(normalise.tags(removing, "/remove", problems))
    kept = {key: tag for key, tag in _by_key(before.tags).items() if key not in removed}
    after = tuple((kept | {key: tag for key, tag in added.items() if key not in kept}).values())
    if len(after) > _MOST:
        problems.add("/add", "list.too_long", f"would make {len(after)} tags; at most {_MOST} are allowed")
    problems.raise_if_any()
    return Decision() if after == before.tags else Decision(events=(ContactChanged(tags=after),))


def _by_key(tags: Iterable[str]) -> dict[str, str]:
    return {tag.casefold(): tag for tag in tags}
