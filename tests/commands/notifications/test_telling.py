"""R5.3: what users are told by mail, and when."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.notifications.mail import Mail
from commands.notifications.telling import Due, Kept, News, Person, Telling, next_digest, told
from domain.errors import DomainError
from domain.notification import Kind, Mailed, Preference, Preferences
from tests.given import START, TENANT, some_id

ADA, GRACE = some_id(1), some_id(2)
LEADS = [some_id(number) for number in range(100, 130)]


@pytest.mark.parametrize(
    ("after", "zone", "hour", "at"),
    [
        ("2026-01-05T05:59:00Z", "Europe/Berlin", 7, "2026-01-05T06:00:00Z"),
        ("2026-01-05T06:00:00Z", "Europe/Berlin", 7, "2026-01-06T06:00:00Z"),
        ("2026-03-28T06:00:00Z", "Europe/Berlin", 7, "2026-03-29T05:00:00Z"),  # summer time begins
        ("2026-03-29T00:00:00Z", "Europe/Berlin", 2, "2026-03-29T01:00:00Z"),  # there is no such hour that day
        ("2026-10-24T22:30:00Z", "Europe/Berlin", 2, "2026-10-25T00:00:00Z"),  # there are two of it
        ("2026-10-25T00:00:00Z", "Europe/Berlin", 2, "2026-10-26T01:00:00Z"),
        ("2026-01-05T20:00:00Z", "Pacific/Kiritimati", 9, "2026-01-06T19:00:00Z"),
        ("2026-01-05T00:00:00Z", "America/Los_Angeles", 23, "2026-01-05T07:00:00Z"),
    ],
)
def test_a_digest_comes_at_the_hour_of_the_users_day(after: str, zone: str, hour: int, at: str) -> None:
    assert next_digest(datetime.fromisoformat(after), zone, hour) == datetime.fromisoformat(at)


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  the strategy's
    st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.integers(0, 23),
)
def test_digests_are_a_day_apart_whatever_clocks_do(after: datetime, zone: str, hour: int) -> None:
    first = next_digest(after, zone, hour)
    second = next_digest(first, zone, hour)
    assert after < first <= after + timedelta(hours=25)
    assert timedelta(hours=23) <= second - first <= timedelta(hours=25)
    assert all(next_digest(after + (first - after) * part / 8, zone, hour) == first for part in range(8))


def news(kind: Kind = Kind.LEAD_INACTIVE, lead: UUID | None = LEADS[0], user: UUID = ADA, position: int = 1) -> News:
    return News(some_id(position), user, kind, lead, position)


def test_a_mail_names_leads_by_their_paths_and_nobody() -> None:
    mail = told("ada@x.example", [news(), news(Kind.LEAD_ASSIGNED), news(Kind.MENTION, None)], digest=False)
    assert (mail.to, mail.subject) == ("ada@x.example", "3 new notifications")
    assert f"Nothing has happened for long with 1 lead:\n  /v1/leads/{LEADS[0]}\n" in mail.text
    assert "You were given 1 lead:" in mail.text
    assert "You were named in a note (1)." in mail.text
    assert mail.text.isascii()


def test_a_mail_about_many_leads_names_some_and_counts_the_others() -> None:
    mail = told("ada@x.example", [news(lead=lead) for lead in LEADS], digest=True)
    assert mail.text.count("/v1/leads/") == 20
    assert "  and 10 more\n" in mail.text
    assert mail.subject == "Your day in Rapport"


def at_once(user: UUID, *positions: int) -> Kept:
    return Kept(user_id=user, digest=False, due_at=START, else_at=START, ids=list(map(some_id, positions)))


def due_now(*positions: int) -> Due:
    return Due(tenant_id=TENANT, user_id=ADA, digest=False, due_at=START, ids=list(map(some_id, positions)))


class Desk:
    """An outbox, people and a mail server, all in memory."""

    def __init__(self, *found: News) -> None:
        self.found, self.kept, self.left = found, list[Kept](), list[str | None]()
        self.mails: list[Mail] = []
        self.people: dict[UUID, Person] = {}
        self.is_away = False

    def person(self, user: UUID, zone: str = "UTC", email: str | None = "x@x.example", **mail: Mailed) -> None:
        kinds = {Kind(kind): Preference(mail=when) for kind, when in mail.items()}
        self.people[user] = Person(email, Preferences(id=user, kinds=kinds), zone, 7)

    async def tenants(self) -> Sequence[UUID]:
        return [TENANT]

    async def news(self, _: UUID) -> tuple[int, Sequence[News]]:
        return 0, self.found

    async def keep(self, _: UUID, before: int, after: int, mails: Sequence[Kept]) -> bool:
        assert (before, after) == (0, self.found[-1].position)
        self.kept += mails
        return True

    async def take(self, _: datetime) -> Sequence[Due]:
        return [
            Due(tenant_id=TENANT, user_id=each.user_id, digest=each.digest, due_at=each.due_at, ids=each.ids)
            for each in self.kept
        ]

    async def unread(self, due: Due) -> Sequence[News]:
        return [each for each in self.found if each.id in due.ids]

    async def leave(self, _: Due, why: str | None) -> None:
        self.left.append(why)

    async def send(self, mail: Mail) -> None:
        if self.is_away:
            raise DomainError("mail.unavailable", "the mail can't be sent now")
        self.mails.append(mail)

    @property
    def telling(self) -> Telling:
        async def person(_: UUID, user: UUID) -> Person:
            return self.people[user]

        return Telling(self, person, self, lambda: START)


async def test_what_is_new_is_sorted_into_a_mail_at_once_a_digest_and_none() -> None:
    desk = Desk(
        news(position=1),
        news(position=2),
        news(Kind.LEAD_ASSIGNED, position=3),
        news(Kind.MENTION, None, position=4),
        news(user=GRACE, position=5),
    )
    desk.person(ADA, "Europe/Berlin", lead_assigned=Mailed.DIGEST, mention=Mailed.OFF)
    desk.person(GRACE)
    await desk.telling.sort(TENANT)
    day = timedelta(days=1)
    due = datetime(2026, 1, 6, 6, tzinfo=UTC)
    assert desk.kept == [
        at_once(ADA, 1, 2),
        Kept(user_id=ADA, digest=True, due_at=due, else_at=due + day, ids=[some_id(3)]),
        at_once(GRACE, 5),
    ]


async def test_a_mail_that_cannot_be_sent_stays_to_be_tried_again() -> None:
    desk = Desk(news())
    desk.person(ADA)
    await desk.telling.sort(TENANT)
    (due,) = await desk.take(START)
    desk.is_away = True
    await desk.telling.send(due)
    desk.is_away = False
    await desk.telling.send(due)
    assert (desk.left, len(desk.mails)) == (["mail.unavailable", None], 1)


async def test_who_may_not_sign_in_and_who_has_read_it_all_gets_no_mail() -> None:
    desk = Desk(news())
    desk.person(ADA, email=None)
    await desk.telling.send(due_now(1))
    desk.person(ADA)
    await desk.telling.send(due_now())
    assert (desk.left, desk.mails) == ([None, None], [])
