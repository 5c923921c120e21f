"""R5.3: mails are kept before they are sent, whichever worker does it, and however often it is started."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api.worker.telling import once
from commands.notifications.mail import Mail
from commands.notifications.telling import MOST_TRIES, Due, Kept, Telling
from commands.ports import StreamEvents
from domain.errors import DomainError
from domain.event import Event
from domain.lead import LeadAssigned, LeadRegistered
from domain.notification import (
    Kind,
    Mailed,
    NotificationRead,
    Preference,
    PreferencesSet,
    notification_id,
    preferences_id,
)
from domain.user import UserRegistered, UserSuspended
from infra.access.authorization import PostgresAuthorization
from infra.event_store.store import PostgresEventStore
from infra.telling import People, PostgresOutbox
from projections.notifications.notification import PROJECTION
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up

pytestmark = pytest.mark.servers

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Office:
    """A tenant with a user who is given leads, and workers that tell of it. `sent` is what the mail server got."""

    def __init__(self, database: Database) -> None:
        self.database, self.tenant, self.user = database, uuid4(), uuid4()
        self.store = PostgresEventStore(database.appends, database.service, SECRET, keyring=database.keyring)
        self.sent: list[Mail] = []
        self.now, self.is_away = NOON, False

    async def happened(self, stream: UUID, *events: Event, after: int = 0) -> None:
        await self.store.append(append(self.tenant, StreamEvents(stream, after, events)))

    async def hired(self, **mail: Mailed) -> None:
        user = UserRegistered(name="Ada", email="ada@x.example", password_hash="-", roles=("sales",))
        await self.happened(self.user, user)
        if mail:
            kinds = {Kind(kind): Preference(mail=when) for kind, when in mail.items()}
            wanted = PreferencesSet(user_id=self.user, kinds=kinds, digest_hour=18)
            await self.happened(preferences_id(self.user), wanted)

    async def given(self) -> UUID:
        """A lead for the user."""
        lead = uuid4()
        await self.happened(lead, LeadRegistered(title="Engine"), LeadAssigned(owner_id=self.user))
        await catch_up(self.database, self.tenant)
        return lead

    async def send(self, mail: Mail) -> None:
        """As a mail server."""
        if self.is_away:
            raise DomainError("mail.unavailable", "the mail can't be sent now")
        self.sent.append(mail)

    def outbox(self, *, lease: timedelta = timedelta(seconds=60)) -> PostgresOutbox:
        return PostgresOutbox(self.database.service, self.database.appends, uuid4(), lease=lease)

    async def work(self, times: int = 1) -> None:
        """Rounds of a worker that was just started."""
        outbox, people = (
            Ours(self.outbox(), self.tenant),
            People(self.store, PostgresAuthorization(self.database.appends)),
        )
        for _ in range(times):
            await once(outbox, Telling(outbox, people.person, self, lambda: self.now), lambda: self.now)

    def rows(self, columns: str = "digest, due_at, attempts, sent_at IS NOT NULL") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.admin_dsn) as connection:
            query = f"SELECT {columns} FROM store.mail WHERE tenant_id = %s ORDER BY due_at"
            return connection.execute(query, (self.tenant,)).fetchall()

    def no_pause(self) -> None:
        with psycopg.connect(self.database.admin_dsn) as connection:
            connection.execute("UPDATE store.mail SET not_before = '-infinity' WHERE tenant_id = %s", (self.tenant,))


class Ours:
    """An outbox that leaves the tenants of other tests alone."""

    def __init__(self, outbox: PostgresOutbox, tenant: UUID) -> None:
        self._tenant = tenant
        self.news, self.keep, self.unread, self.leave = outbox.news, outbox.keep, outbox.unread, outbox.leave
        self._outbox = outbox

    async def tenants(self) -> Sequence[UUID]:
        return [each for each in await self._outbox.tenants() if each == self._tenant]

    async def take(self, at: datetime) -> Sequence[Due]:
        return [due for due in await self._outbox.take(at) if due.tenant_id == self._tenant]


@pytest.fixture
def office(database: Database) -> Office:
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute("DELETE FROM store.mail")
        connection.execute("DELETE FROM read.notification_v1")
    return Office(database)


async def test_what_is_told_at_once_is_one_mail_also_when_it_is_much_and_workers_start_again(office: Office) -> None:
    await office.hired()
    leads = [await office.given() for _ in range(3)]
    for _ in range(3):
        await office.work(2)
    (mail,) = office.sent
    assert (mail.to, mail.subject) == ("ada@x.example", "3 new notifications")
    assert all(str(lead) in mail.text for lead in leads)


async def test_a_digest_comes_once_a_day_whatever_clocks_and_workers_do(office: Office) -> None:
    await office.hired(lead_assigned=Mailed.DIGEST)
    due = NOON.replace(hour=18)
    await office.given()
    await office.work(2)
    await office.given()
    await office.work(2)
    assert (office.sent, office.rows()) == ([], [(True, due, 0, False)])
    office.now = due + timedelta(minutes=1)
    await office.work(2)
    (mail,) = office.sent
    assert "You were given 2 leads:" in mail.text
    office.now = NOON  # the clock was set back: what comes now waits for the next day's
    await office.given()
    await office.work(2)
    office.now = due + timedelta(minutes=1)
    await office.work(2)
    assert (len(office.sent), office.rows()[1:]) == (1, [(True, due + DAY, 0, False)])
    office.now = due + DAY + timedelta(minutes=1)
    await office.work(2)
    assert len(office.sent) == 2


async def test_a_digest_of_a_clock_that_was_years_ahead_is_not_kept_for_years(office: Office) -> None:
    await office.hired(lead_assigned=Mailed.DIGEST)
    office.now = NOON + 3650 * DAY
    await office.given()
    await office.work()
    office.now = NOON
    await office.work()
    assert len(office.sent) == 1


async def test_a_mail_that_could_not_be_sent_is_sent_later_and_given_up_in_the_end(office: Office) -> None:
    await office.hired()
    await office.given()
    office.is_away = True
    await office.work(3)
    assert office.rows("attempts, error, holder") == [(1, "mail.unavailable", None)]
    office.no_pause()
    office.is_away = False
    await office.work(2)
    assert (len(office.sent), office.rows("attempts, error")) == (1, [(2, None)])
    await office.given()
    office.is_away = True
    for _ in range(MOST_TRIES):
        office.now += timedelta(seconds=1)
        await office.work()
        office.no_pause()
    office.is_away = False
    await office.work(2)
    assert (len(office.sent), office.rows("error, sent_at IS NOT NULL")[1:]) == (1, [("mail.unavailable", True)])


async def test_a_mail_of_a_worker_that_died_is_sent_by_the_next_one(office: Office) -> None:
    await office.hired()
    await office.given()
    dead = office.outbox()
    people = People(office.store, PostgresAuthorization(office.database.appends))
    await Telling(dead, people.person, office, lambda: office.now).sort(office.tenant)
    later = office.now + timedelta(seconds=1)
    (due,) = [due for due in await dead.take(later) if due.tenant_id == office.tenant]
    office.now = later
    await office.work(2)
    assert office.sent == []
    with psycopg.connect(office.database.admin_dsn) as connection:
        connection.execute("UPDATE store.mail SET leased_until = now() WHERE tenant_id = %s", (office.tenant,))
    await office.work(2)
    await dead.leave(due, "late")  # it is nobody's to say any more
    assert (len(office.sent), office.rows("error")) == (1, [(None,)])


async def test_of_two_workers_that_sort_the_same_one_keeps_it(office: Office) -> None:
    await office.hired()
    await office.given()
    outboxes = [office.outbox() for _ in range(2)]
    (before, news), (again, _) = [await each.news(office.tenant) for each in outboxes]
    assert before == again == 0
    mail = Kept(user_id=office.user, digest=False, due_at=NOON, else_at=NOON, ids=[news[0].id])
    kept = [await each.keep(office.tenant, before, news[-1].position, [mail]) for each in outboxes]
    assert (kept, office.rows("ids")) == ([True, False], [([news[0].id],)])


async def test_what_was_read_meanwhile_and_who_was_suspended_makes_no_mail(office: Office) -> None:
    await office.hired()
    lead = await office.given()
    await office.happened(notification_id(lead, 2, office.user), NotificationRead(user_id=office.user))
    await catch_up(office.database, office.tenant, [PROJECTION])
    await office.work(2)
    await office.given()
    await office.happened(office.user, UserSuspended(), after=1)
    office.now += timedelta(seconds=1)
    await office.work(2)
    assert (office.sent, [is_done for *_, is_done in office.rows()]) == ([], [True, True])
