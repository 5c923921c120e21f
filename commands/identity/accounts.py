"""Signing up and signing in."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from commands import normalise
from commands.decision import Decision, Given
from commands.identity import passwords
from commands.normalise import Problems
from commands.ports import Claim, StreamEvents
from domain.errors import DomainError, FieldError
from domain.session import SessionStarted
from domain.tenant import PLATFORM, Tenant, TenantRegistered
from domain.user import UserRegistered

EMAIL_CLAIM = "user.email"
_LONGEST = 200


class RegisterTenant(Struct, forbid_unknown_fields=True, kw_only=True):
    """A company signs up with its first user, who becomes its admin."""

    tenant_name: str
    name: str
    email: str
    password: str


class NewTenant(Struct, frozen=True, kw_only=True):
    """A sign-up in normal form. The password is only here as its hash."""

    tenant_name: str
    name: str
    email: str
    password_hash: str
    user_id: UUID
    session_id: UUID | None = None
    """The first session, where somebody signs up who is then signed in."""


def check(values: Mapping[str, Any], problems: Problems) -> dict[str, str]:
    """The members of a sign-up in normal form, from what could be read of them; what is wrong goes to `problems`."""
    found: dict[str, str] = {}
    if isinstance(text := values.get("tenant_name"), str):
        found["tenant_name"] = normalise.filled(text, "/tenant_name", problems, longest=_LONGEST)
    return found | check_person(values, problems)


def check_person(values: Mapping[str, Any], problems: Problems) -> dict[str, str]:
    """Name, e-mail and password of a new user in normal form, from what could be read of them."""
    found: dict[str, str] = {}
    if isinstance(name := values.get("name"), str):
        found["name"] = normalise.filled(name, "/name", problems, longest=_LONGEST)
    if isinstance(email := values.get("email"), str):
        found["email"] = normalise.email(email, "/email", problems) or ""
    if isinstance(password := values.get("password"), str):
        passwords.check(password, "/password", problems)
        found["password"] = password
    return found


def register(command: NewTenant, _: Given[Tenant]) -> Decision:
    """A tenant with its first user, who is its admin."""
    user = UserRegistered(name=command.name, email=command.email, password_hash=command.password_hash, roles=("admin",))
    streams = [StreamEvents(command.user_id, 0, (user,))]
    if command.session_id:
        streams.append(StreamEvents(command.session_id, 0, (SessionStarted(user_id=command.user_id),)))
    return Decision(
        events=(TenantRegistered(name=command.tenant_name),),
        related=tuple(streams),
        claims=(Claim(PLATFORM, EMAIL_CLAIM, login_name(command.email), command.user_id),),
    )


def email_taken(_: Claim | None = None) -> DomainError:
    """The refusal of an e-mail that another user has, in whichever tenant."""
    return DomainError(
        "user.email_taken",
        "a user with this e-mail exists",
        hint="Sign in with it, or use another address.",
        errors=(FieldError("/email", "user.email_taken", "belongs to another user"),),
    )


def invalid_credentials() -> DomainError:
    """The one refusal of a login, whatever was wrong with it."""
    return DomainError("auth.invalid_credentials", "e-mail or password is wrong", hint="Check both and try again.")


def login_name(email: str) -> str:
    """What makes two spellings of a user's e-mail the same; of what is no address, its own spelling."""
    return normalise.key(normalise.email(email, "", Problems()) or email)
