"""Invitations, and forgotten passwords: asked for, answered by mail, taken up. Pure: state in, events out."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from commands.decision import Decision, Given
from commands.identity import passwords
from commands.identity.accounts import EMAIL_CLAIM, login_name
from commands.identity.links import LinkToken
from commands.normalise import Problems, filled
from commands.ports import Claim
from domain.tenant import PLATFORM
from domain.user import (
    Link,
    SignOut,
    Status,
    User,
    UserInvited,
    UserJoined,
    UserPasswordChanged,
    UserResetRequested,
    UserSignedOut,
)

INVITED_FOR = timedelta(days=7)
RESET_FOR = timedelta(hours=1)
_LONGEST_NAME = 200


class InviteUser(Struct, forbid_unknown_fields=True, kw_only=True):
    """Invite somebody by e-mail, to be in these roles."""

    email: str
    roles: list[str]


class AcceptInvite(Struct, forbid_unknown_fields=True, kw_only=True):
    """Join, with the token of the mail."""

    token: str
    name: str
    password: str


class Forgot(Struct, forbid_unknown_fields=True, kw_only=True):
    """Ask for another password by mail."""

    email: str


class Reset(Struct, forbid_unknown_fields=True, kw_only=True):
    """Another password, with the token of the mail."""

    token: str
    password: str


class Invite(Struct, frozen=True):
    """An invitation in normal form, and the digest of its token."""

    email: str
    roles: Sequence[str]
    digest: str


class Join(Struct, frozen=True):
    """Acceptance in normal form; the password is only here as its hash."""

    token: LinkToken
    name: str
    password_hash: str


class RequestReset(Struct, frozen=True):
    """A way to another password, by the digest of its token."""

    digest: str


class TakeReset(Struct, frozen=True):
    """Another password, as its hash, for the token."""

    token: LinkToken
    password_hash: str


def check(values: Mapping[str, Any], problems: Problems) -> str:
    """Name and password of somebody who takes up a mail; answers the name in normal form."""
    name = ""
    if isinstance(given := values.get("name"), str):
        name = filled(given, "/name", problems, longest=_LONGEST_NAME)
    if isinstance(password := values.get("password"), str):
        passwords.check(password, "/password", problems)
    return name


def is_good(token: LinkToken | None, link: Link | None, now: datetime) -> bool:
    """Whether a token opens what a mail offered."""
    return bool(token and link and token.opens(link) and now < link.expires_at)


def refuse(problems: Problems) -> None:
    """Note that a token is no good: spent, expired, or never given."""
    problems.add("/token", "token.spent", "was used, has expired, or is none; ask for another mail")


def invite(command: Invite, given: Given[User]) -> Decision:
    """A user to be."""
    link = Link(command.digest, given.now + INVITED_FOR)
    return Decision(events=(UserInvited(email=command.email, roles=tuple(command.roles), link=link),))


def join(command: Join, given: Given[User]) -> Decision:
    """In; the e-mail is the user's from now on.

    Raises:
        InvalidError: the token is no good (any more).
    """
    user = _there(given.state)
    if user.status is not Status.INVITED:
        _spent(given)
    _require(command.token, user.link, given)
    claim = Claim(PLATFORM, EMAIL_CLAIM, login_name(user.email), given.stream_id)
    return Decision(events=(UserJoined(name=command.name, password_hash=command.password_hash),), claims=(claim,))


def request_reset(command: RequestReset, given: Given[User]) -> Decision:
    """A mail is to be sent to a user who may sign in; nothing for others."""
    if _there(given.state).status is not Status.ACTIVE:
        return Decision()
    return Decision(events=(UserResetRequested(link=Link(command.digest, given.now + RESET_FOR)),))


def take_reset(command: TakeReset, given: Given[User]) -> Decision:
    """Another password, with which nobody is signed in yet.

    Raises:
        InvalidError: the token is no good (any more).
    """
    user = _there(given.state)
    if user.status is not Status.ACTIVE:
        _spent(given)
    _require(command.token, user.link, given)
    changed = UserPasswordChanged(password_hash=command.password_hash)
    return Decision(events=(changed, UserSignedOut(reason=SignOut.PASSWORD_RESET)))


def _require(token: LinkToken, link: Link | None, given: Given[User]) -> None:
    if not is_good(token, link, given.now):
        _spent(given)


def _spent(given: Given[User]) -> None:
    problems = Problems(given.errors)
    refuse(problems)
    problems.raise_if_any()


def _there(user: User | None) -> User:
    assert user is not None  # noqa: S101  a use case that does not create always has a state
    return user
