"""What a security officer wants to know of: each event is a stream of its own."""

from uuid import UUID

from domain.event import Event


class SignInFailed(Event, topic="security.sign_in_failed.v1"):
    """Somebody gave a wrong password, or a wrong second factor, for a user that there is."""

    user_id: UUID


class RefreshReused(Event, topic="security.refresh_reused.v1"):
    """A refresh token came that had been used before: somebody has a copy of it. Its session has ended."""

    user_id: UUID
    session_id: UUID
