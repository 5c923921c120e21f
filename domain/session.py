"""Sessions: each begins with a sign-in, and ends."""

from enum import StrEnum
from uuid import UUID

from domain.event import Event


class Ending(StrEnum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    TOKEN_REUSED = "token_reused"  # noqa: S105  a reason, no token


class SessionStarted(Event, topic="session.started.v1"):
    """A user signed in. The stream is the session; from where is in the metadata."""

    user_id: UUID


class SessionEnded(Event, topic="session.ended.v1"):
    """One session of a user is over; tokens of it count for nothing any more."""

    user_id: UUID
    reason: Ending
