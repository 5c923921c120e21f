"""Signing up and signing in."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from commands import normalise
from commands.decision import Decision, Given
from commands.normalise import Problems
from commands.ports import Claim, StreamEvents
from domain.errors import DomainError, FieldError
from domain.tenant import PLATFORM, Tenant, TenantRegistered
from domain.user import UserRegistered

EMAIL_CLAIM = "user.email"
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024


class Passwords(Protocol):
    """Hashes and verifies passwords, off the event loop."""

    async def hash(self, password: str) -> str:
        """A new hash."""
        ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password; as slow, and False, when there is no hash to compare with."""
        ...


class Principal(Struct, frozen=True):
    """Who a request speaks for: a user of one tenant, in the roles that the token carries."""

    tenant_id: UUID
    user_id: UUID
    roles: tuple[str, ...]


class InvalidTokenError(Exception):
    """A token that is no good."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class Tokens(Protocol):
    """Access tokens."""

    def issue(self, principal: Principal) -> tuple[str, int]:
        """A token, and the seconds that it lives."""
        ...

    def verify(self, token: str) -> Principal:
        """Who the token speaks for. Raises InvalidTokenError."""
        ...


class RegisterTenant(Struct, forbid_unknown_fields=True, kw_only=True):
    """A company signs up with its first user, who becomes its admin."""

    tenant_name: str
    name: str
    email: str
    password: str


class Login(Struct, forbid_unknown_fields=True, kw_only=True):
    """Sign in."""

    email: str
    password: str
    totp: str | None = None


class NewTenant(Struct, frozen=True, kw_only=True):
    """A sign-up in normal form. The password is only here as its hash."""

    tenant_name: str
    name: str
    email: str
    password_hash: str
    user_id: UUID


def check(values: Mapping[str, Any], problems: Problems) -> dict[str, str]:
    """The members of a sign-up in normal form, from what could be read of them; what is wrong goes to `problems`."""
    found: dict[str, str] = {}
    for member in ("tenant_name", "name"):
        if isinstance(text := values.get(member), str):
            line = normalise.line(text, f"/{member}", problems, longest=200)
            if line is None:
                problems.add(f"/{member}", "field.blank", "is blank")
            found[member] = line or ""
    if isinstance(email := values.get("email"), str):
        found["email"] = normalise.email(email, "/email", problems) or ""
    if isinstance(password := values.get("password"), str):
        if len(password) < SHORTEST_PASSWORD:
            problems.add("/password", "password.too_short", f"needs at least {SHORTEST_PASSWORD} characters")
        elif len(password) > LONGEST_PASSWORD:
            problems.add("/password", "password.too_long", f"has more than {LONGEST_PASSWORD} characters")
        found["password"] = password
    return found


def register(command: NewTenant, _: Given[Tenant]) -> Decision:
    """A tenant with its first user, who is its admin."""
    user = UserRegistered(name=command.name, email=command.email, password_hash=command.password_hash, roles=("admin",))
    return Decision(
        events=(TenantRegistered(name=command.tenant_name),),
        related=(StreamEvents(command.user_id, 0, (user,)),),
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
