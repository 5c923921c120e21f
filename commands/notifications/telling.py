"""Tells users by mail of what they are notified of: at once, or once a day. What is to be sent is kept before it is.

A mail is sent at least once: whoever dies between handing it over and saying so has it sent again.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct

from commands.notifications.mail import Mail, Mailer
from domain.errors import DomainError
from domain.notification import Kind, Mailed, Preferences

MOST_TRIES = 40
"""So often a mail is tried to be sent, which takes more than a day."""
_MOST_NAMED = 20

_log = structlog.get_logger()


class News(Struct, frozen=True):
    """A notification, as far as mails tell of it."""

    id: UUID
    user_id: UUID
    kind: Kind
    lead_id: UUID | None
    position: int


class Kept(Struct, frozen=True, kw_only=True):
    """A mail that is to be sent, with which notifications; `else_at`: where the digest of `due_at` has gone already."""

    user_id: UUID
    digest: bool
    due_at: datetime
    else_at: datetime
    ids: list[UUID]


class Due(Struct, frozen=True, kw_only=True):
    """A mail to be sent now."""

    tenant_id: UUID
    user_id: UUID
    digest: bool
    due_at: datetime
    ids: list[UUID]


class Person(Struct, frozen=True):
    """Who is told: where (None: not at all), how, and when the digest comes."""

    email: str | None
    preferences: Preferences
    timezone: str
    digest_hour: int


class Outbox(Protocol):
    """Mails that wait, kept by all workers together and over restarts."""

    async def tenants(self) -> Sequence[UUID]:
        """Some tenants with notifications that nobody has looked at yet."""
        ...

    async def news(self, tenant_id: UUID) -> tuple[int, Sequence[News]]:
        """How far notifications were looked at, and some that come after it, in order."""
        ...

    async def keep(self, tenant_id: UUID, before: int, after: int, mails: Sequence[Kept]) -> bool:
        """Keep mails and go on to a position; False when somebody else has."""
        ...

    async def take(self, at: datetime) -> Sequence[Due]:
        """Some mails that are due, nobody else's until they are left or their lease ends."""
        ...

    async def unread(self, due: Due) -> Sequence[News]:
        """Those of a mail's notifications that are still unread."""
        ...

    async def leave(self, due: Due, why: str | None) -> None:
        """A mail was sent, or could not be and is tried again later."""
        ...


class Telling:
    """Makes mails of notifications, and sends them; `person` finds out about a user of a tenant."""

    def __init__(
        self,
        outbox: Outbox,
        person: Callable[[UUID, UUID], Awaitable[Person]],
        mailer: Mailer,
        clock: Callable[[], datetime],
    ) -> None:
        self._outbox = outbox
        self._person = person
        self._mailer = mailer
        self._clock = clock

    async def sort(self, tenant_id: UUID) -> None:
        """Make mails of what a tenant's users were told since the last time."""
        before, news = await self._outbox.news(tenant_id)
        if not news:
            return
        now, mails = self._clock(), list[Kept]()
        for user_id in dict.fromkeys(each.user_id for each in news):
            person = await self._person(tenant_id, user_id)
            own = [each for each in news if each.user_id == user_id]
            due = next_digest(now, person.timezone, person.digest_hour)
            times = {
                Mailed.INSTANT: (now, now),
                Mailed.DIGEST: (due, next_digest(due, person.timezone, person.digest_hour)),
            }
            for when, (at, else_at) in times.items():
                if ids := [each.id for each in own if person.preferences.of(each.kind).mail is when]:
                    digest = when is Mailed.DIGEST
                    mails.append(Kept(user_id=user_id, digest=digest, due_at=at, else_at=else_at, ids=ids))
        await self._outbox.keep(tenant_id, before, news[-1].position, mails)

    async def send(self, due: Due) -> None:
        """Send a mail, or note why it could not be. What was read meanwhile is left out."""
        person = await self._person(due.tenant_id, due.user_id)
        news = await self._outbox.unread(due)
        try:
            if person.email and news:
                await self._mailer.send(told(person.email, news, digest=due.digest))
        except DomainError as refused:
            _log.warning("mail.not_sent", tenant_id=str(due.tenant_id), user_id=str(due.user_id), code=refused.code)
            await self._outbox.leave(due, refused.code)
        else:
            await self._outbox.leave(due, None)


def next_digest(after: datetime, timezone: str, hour: int) -> datetime:
    """When it is that hour next in a zone, in UTC: once a day, also where clocks skip it or have it twice."""
    zone = ZoneInfo(timezone)
    day = after.astimezone(zone).date()
    while True:
        at = datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC)
        if at > after:
            return at
        day += timedelta(days=1)


_WORDS = {
    Kind.LEAD_INACTIVE: "Nothing has happened for long with",
    Kind.LEAD_ASSIGNED: "You were given",
    Kind.MENTION: "You were named in a note",
}


def told(to: str, news: Collection[News], *, digest: bool) -> Mail:
    """What a user is told by mail: kinds and paths, for a mail is read by more than its reader."""
    lines: list[str] = []
    for kind, words in _WORDS.items():
        found = [each for each in news if each.kind is kind]
        if not found:
            continue
        leads = [each.lead_id for each in found if each.lead_id]
        what = f" {len(leads)} lead{'s' if len(leads) > 1 else ''}" if leads else f" ({len(found)})"
        lines += [f"{words}{what}:" if leads else f"{words}{what}."]
        lines += [f"  /v1/leads/{lead_id}" for lead_id in leads[:_MOST_NAMED]]
        lines += [f"  and {len(leads) - _MOST_NAMED} more" for _ in leads[_MOST_NAMED : _MOST_NAMED + 1]]
        lines.append("")
    text = "\n".join([*lines, "All of it is in your notifications; how you are told is in your preferences.", ""])
    subject = "Your day in Rapport" if digest else f"{len(news)} new notification{'s' if len(news) > 1 else ''}"
    return Mail(to, subject, text)
