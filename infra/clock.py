"""The time and new ids: what pure code gets from outside."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562)."""
    return uuid7()
