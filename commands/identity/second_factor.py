"""The second factor of a user: given, confirmed, given up, and its recovery codes spent. Pure: state in, events out."""

from msgspec import Struct

from commands.decision import Decision, Given
from domain.errors import DomainError, FieldError, InvalidError
from domain.second_factor import RecoveryCodeUsed, TotpConfirmed, TotpDisabled, TotpEnrolled
from domain.user import User

SPENT = "auth.recovery_code_spent"


class TotpCode(Struct, forbid_unknown_fields=True, kw_only=True):
    """A code of the second factor; a recovery code where there is one."""

    code: str


class EnrolTotp(Struct, frozen=True):
    """A new secret (base32), and the digests of new recovery codes."""

    secret: str
    recovery_codes: tuple[str, ...]


class ConfirmTotp(Struct, frozen=True):
    """The secret is in the user's device: a code was right."""


class DisableTotp(Struct, frozen=True):
    """No second factor any more: a code was right."""


class SpendRecoveryCode(Struct, frozen=True):
    """Sign in with a recovery code."""

    digest: str


def enrol(command: EnrolTotp, given: Given[User]) -> Decision:
    """A secret, which counts once it is confirmed; one that was never confirmed is replaced.

    Raises:
        DomainError: auth.totp_enabled.
    """
    if _there(given).totp_enabled:
        raise _enabled()
    return Decision(events=(TotpEnrolled(secret=command.secret, recovery_codes=command.recovery_codes),))


def confirm(_: ConfirmTotp, given: Given[User]) -> Decision:
    """From now on a code is asked for.

    Raises:
        DomainError: auth.totp_enabled or auth.totp_missing.
    """
    require_pending(_there(given))
    return Decision(events=(TotpConfirmed(),))


def disable(_: DisableTotp, given: Given[User]) -> Decision:
    """Nothing but the password is asked for.

    Raises:
        DomainError: auth.totp_missing.
    """
    require_enabled(_there(given))
    return Decision(events=(TotpDisabled(),))


def spend(command: SpendRecoveryCode, given: Given[User]) -> Decision:
    """One recovery code less.

    Raises:
        DomainError: auth.recovery_code_spent, to be told as any other wrong code.
    """
    user = _there(given)
    if not user.totp_enabled or not user.second_factor or command.digest not in user.second_factor.recovery_codes:
        raise DomainError(SPENT, "this recovery code is none, or was used before")
    return Decision(events=(RecoveryCodeUsed(digest=command.digest),))


def require_pending(user: User) -> None:
    """Refuse where there is nothing to confirm."""
    if user.totp_enabled:
        raise _enabled()
    if user.second_factor is None:
        raise _missing()


def require_enabled(user: User) -> None:
    """Refuse where there is nothing to give up."""
    if not user.totp_enabled:
        raise _missing()


def required() -> DomainError:
    """The refusal of a right password alone."""
    return DomainError(
        "auth.totp_required",
        "the password is right, and a second factor is needed",
        hint="Send the code of your authenticator app, or a recovery code, as totp.",
    )


def wrong_code() -> InvalidError:
    """The refusal of a code by somebody who is signed in."""
    return InvalidError([FieldError("/code", "totp.wrong", "is wrong, too old, or was used before; wait for the next")])


def _enabled() -> DomainError:
    return DomainError(
        "auth.totp_enabled", "a second factor is on already", hint="Switch it off first, with a code of the old one."
    )


def _missing() -> DomainError:
    return DomainError(
        "auth.totp_missing", "there is no second factor to do this with", hint="Enrol one: POST /v1/auth/totp/enrol."
    )


def _there(given: Given[User]) -> User:
    assert given.state is not None  # noqa: S101  a use case that does not create always has a state
    return given.state
