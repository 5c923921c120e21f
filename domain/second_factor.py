"""A user's second factor: one-time passwords by time, and codes for when the device is lost."""

from msgspec import Struct, structs

from domain.event import Event
from domain.personal import Personal


class TotpEnrolled(Event, topic="user.totp_enrolled.v1", data_class="user"):
    """A user was given a secret (base32) and recovery codes (stored as digests only); they count once confirmed."""

    secret: Personal[str]
    recovery_codes: Personal[tuple[str, ...]]


class TotpConfirmed(Event, topic="user.totp_confirmed.v1"):
    """A user showed a right code, and is asked for one at every sign-in from now on."""


class TotpDisabled(Event, topic="user.totp_disabled.v1"):
    """A user is not asked for a code any more."""


class RecoveryCodeUsed(Event, topic="user.recovery_code_used.v1"):
    """A user signed in with a recovery code, which is spent."""

    digest: str


EVENTS = (TotpEnrolled, TotpConfirmed, TotpDisabled, RecoveryCodeUsed)


class SecondFactor(Struct, frozen=True):
    """What codes are checked against; the digests are of recovery codes that are not spent."""

    secret: str
    recovery_codes: tuple[str, ...]
    confirmed: bool = False


def evolve(factor: SecondFactor | None, event: Event) -> SecondFactor | None:
    """Apply one event.

    Raises:
        TypeError: the event is none of a second factor's, or comes where it can't.
    """
    match event, factor:
        case TotpEnrolled(secret=secret, recovery_codes=codes), _:
            return SecondFactor(secret, codes)
        case TotpConfirmed(), SecondFactor():
            return structs.replace(factor, confirmed=True)
        case TotpDisabled(), SecondFactor():
            return None
        case RecoveryCodeUsed(digest=spent), SecondFactor():
            left = tuple(code for code in factor.recovery_codes if code != spent)
            return structs.replace(factor, recovery_codes=left)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this second factor")
