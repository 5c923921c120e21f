"""What can be asked of users themselves: to be added, changed, given another password. Pure: state in, events out."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from commands import normalise, zones
from commands.decision import Decision, Given
from commands.identity.accounts import EMAIL_CLAIM, login_name
from commands.normalise import Problems
from commands.ports import Claim
from domain.tenant import PLATFORM
from domain.user import (
    SignOut,
    User,
    UserChanged,
    UserPasswordChanged,
    UserPasswordRehashed,
    UserRegistered,
    UserSignedOut,
)

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_LONGEST = 200


class AddUser(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new user, in roles of the tenant."""

    name: str
    email: str
    password: str
    roles: list[str]


class ChangeUser(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch of a profile: absent members stay, null clears."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    timezone: str | UnsetType | None = UNSET
    locale: str | UnsetType | None = UNSET


class NewUser(Struct, frozen=True, kw_only=True):
    """A new user in normal form; the password is only here as its hash."""

    name: str
    email: str
    password_hash: str
    roles: tuple[str, ...]


class SignOutUser(Struct, frozen=True):
    """End all sessions of a user."""

    reason: SignOut


class ChangePassword(Struct, forbid_unknown_fields=True, kw_only=True):
    """Another password, by somebody who knows the one there is."""

    current: str
    new: str


class SetPassword(Struct, frozen=True):
    """A new password that is good, as its hash."""

    password_hash: str
    reason: SignOut


class RehashPassword(Struct, frozen=True):
    """The password that a user has, hashed as the policy of today wants it."""

    password_hash: str


def add(command: NewUser, given: Given[User]) -> Decision:
    """A user more, whose e-mail no other user of the installation has."""
    registered = UserRegistered(
        name=command.name, email=command.email, password_hash=command.password_hash, roles=command.roles
    )
    claim = Claim(PLATFORM, EMAIL_CLAIM, login_name(command.email), given.stream_id)
    return Decision(events=(registered,), claims=(claim,))


def change(command: ChangeUser, given: Given[User]) -> Decision:
    """The members that get another value; nothing when none does.

    Raises:
        InvalidError: with every bad member.
    """
    before = given.state
    assert before is not None  # noqa: S101  a use case that does not create always has a state
    problems = Problems(given.errors)
    wanted: dict[str, Any] = {}
    for member in ChangeUser.__struct_fields__:
        value = getattr(command, member)
        if isinstance(value, str):
            wanted[member] = _MEMBERS[member](value, problems)
        elif value is None:
            wanted[member] = None
    problems.raise_if_any()
    changed = {member: value for member, value in wanted.items() if value != getattr(before, member)}
    return Decision(events=(UserChanged(**changed),)) if changed else Decision()


def sign_out(command: SignOutUser, _: Given[User]) -> Decision:
    """All sessions are over: their epoch is."""
    return Decision(events=(UserSignedOut(reason=command.reason),))


def set_password(command: SetPassword, _: Given[User]) -> Decision:
    """Another password, with which nobody is signed in yet."""
    changed = UserPasswordChanged(password_hash=command.password_hash)
    return Decision(events=(changed, UserSignedOut(reason=command.reason)))


def rehash_password(command: RehashPassword, _: Given[User]) -> Decision:
    """Another hash; nobody is signed out by it."""
    return Decision(events=(UserPasswordRehashed(password_hash=command.password_hash),))


def _name(text: str, problems: Problems) -> str:
    return normalise.filled(text, "/name", problems, longest=_LONGEST)


def _locale(text: str, problems: Problems) -> str:
    if not _LOCALE.fullmatch(text):
        problems.add("/locale", "locale.invalid", "is no locale like en or de-AT")
    return text


_MEMBERS: Mapping[str, Callable[[str, Problems], str | None]] = {
    "name": _name,
    "title": lambda text, problems: normalise.line(text, "/title", problems, longest=_LONGEST),
    "phone": lambda text, problems: normalise.phone(text, "/phone", problems),
    "timezone": zones.timezone,
    "locale": _locale,
}
