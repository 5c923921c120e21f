"""R1.5, N-S3: the audit trail in words."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.api_key import ApiKeyIssued
from domain.event import SYSTEM, TOPICS, Actor, Event, Metadata, Recorded, decode
from domain.second_factor import TotpDisabled, TotpEnrolled
from domain.security import RefreshReused, SignInFailed
from domain.session import SessionStarted
from domain.user import Link, UserChanged, UserPasswordChanged, UserRegistered, UserResetRequested
from projections import audit
from projections.history import ActorView, Change, Target
from projections.identity import security_events, violations
from projections.identity.security_events import Person, SecurityEventKind, Severity
from tests.domain import golden
from tests.given import START, TENANT, changed, registered, some_id

ADA, GRACE, CONTACT, OTHER = some_id(1), some_id(2), some_id(3), some_id(4)
NAMES = {ADA: "Ada"}


def at(position: int, stream_id: UUID, version: int, event: Event, actor: Actor | None = None) -> Recorded[Any]:
    when = START + timedelta(minutes=position)
    return Recorded(
        tenant_id=TENANT,
        position=position,
        stream_id=stream_id,
        version=version,
        event=event,
        metadata=Metadata(actor=actor or Actor("user", ADA), correlation_id="c", address="192.0.2.7"),
        command_id=some_id(99),
        occurred_at=when,
        recorded_at=when,
    )


REGISTERED = UserRegistered(name="Grace", email="g@x.example", password_hash="$2b$12$x", roles=("sales",))
LOG = [
    at(1, GRACE, 1, REGISTERED),
    at(2, CONTACT, 1, registered("Ada Lovelace")),
    at(3, GRACE, 2, UserChanged(title="Admiral")),
    at(4, CONTACT, 2, changed(title="Countess")),
    at(5, GRACE, 3, UserChanged(title="Rear Admiral", phone=None)),
    at(6, GRACE, 4, UserPasswordChanged(password_hash="$2b$12$y")),
]


def told(*positions: int) -> list[Any]:
    recorded = [LOG[position - 1] for position in positions]
    wanted = set(audit.streams_of(recorded))
    streams = [item for item in LOG if item.stream_id in wanted and item.position <= max(positions)]
    return audit.entries(recorded, sorted(streams, key=lambda item: (item.stream_id, item.version)), NAMES)


@pytest.mark.parametrize("line", golden.read(golden.FILE.read_text()), ids=lambda line: line.name)
def test_every_event_there_is_can_be_told(line: golden.Golden) -> None:
    item = at(1, CONTACT, 1, decode(line.topic, line.data.encode()))
    if not audit.streams_of([item]):
        (entry,) = audit.entries([item], [], {})
        assert (entry.target.id, entry.position) == (CONTACT, 1)


def test_a_profiles_change_is_field_old_new_who_when_and_from_where() -> None:
    (entry,) = told(5)
    assert entry.changes == (Change("title", "Admiral", "Rear Admiral"),)
    assert (entry.action, entry.target) == ("user.changed", Target("user", GRACE))
    assert (entry.actor, entry.address) == (ActorView("user", ADA, "Ada"), "192.0.2.7")
    assert (entry.position, entry.at) == (5, START + timedelta(minutes=5))


def test_entries_are_in_the_order_that_was_asked_for_each_with_its_own_before() -> None:
    entries = told(5, 4, 3, 2)
    assert [entry.position for entry in entries] == [5, 4, 3, 2]
    assert entries[1].changes == (Change("title", None, "Countess"),)
    assert entries[2].changes == (Change("title", None, "Admiral"),)


def test_what_signs_somebody_in_is_told_to_nobody() -> None:
    registration, password = told(1, 6)
    assert {change.field for change in registration.changes} == {"name", "email", "roles", "status"}
    assert (password.action, password.changes) == ("user.password_changed", ())
    link = at(7, GRACE, 5, UserResetRequested(link=Link("0" * 64, START)))
    (entry,) = audit.entries([link], [LOG[0], link], NAMES)
    assert entry.changes == ()
    enrolled = at(7, GRACE, 5, TotpEnrolled(secret="JBSWY3DP", recovery_codes=("d",)))
    (entry,) = audit.entries([enrolled], [LOG[0], enrolled], NAMES)
    assert (entry.action, entry.changes) == ("user.totp_enrolled", ())
    key = at(8, OTHER, 1, ApiKeyIssued(name="Import", roles=(), user_id=ADA, prefix="rk_1", digest="d"))
    (entry,) = audit.entries([key], [key], NAMES)
    assert {change.field for change in entry.changes} == {"name", "user_id", "prefix"}


def test_what_has_no_state_tells_its_members() -> None:
    session = at(7, OTHER, 1, SessionStarted(user_id=ADA))
    assert audit.streams_of([session]) == []
    (entry,) = audit.entries([session], [], NAMES)
    assert (entry.action, entry.target) == ("session.started", Target("session", OTHER))
    assert entry.changes == (Change("user_id", None, str(ADA)),)


def test_an_action_is_every_version_of_a_topic_and_nothing_is_none() -> None:
    assert audit.topics_of("contact.changed") == ("contact.changed.v1",)
    assert audit.topics_of("contact.flown") == audit.topics_of("") == ()


def test_security_events_are_told_with_how_bad_they_are_and_who_it_is_about() -> None:
    failed = at(7, OTHER, 1, SignInFailed(user_id=ADA), SYSTEM)
    reused = at(8, OTHER, 1, RefreshReused(user_id=GRACE, session_id=OTHER), Actor("user", GRACE))
    first, second = security_events.told([failed, reused], NAMES)
    assert (first.kind, first.severity, first.actor) == (SecurityEventKind.SIGN_IN_FAILED, Severity.LOW, None)
    assert (first.user, first.address) == (Person(ADA, "Ada"), "192.0.2.7")
    assert (second.kind, second.severity) == (SecurityEventKind.REFRESH_REUSED, Severity.HIGH)
    assert (second.actor, second.user) == (ActorView("user", GRACE, None), Person(GRACE, None))
    own = at(9, GRACE, 7, TotpDisabled(), Actor("user", GRACE))
    assert security_events.told([own], NAMES)[0].user == Person(GRACE, None)
    assert security_events.users_of([failed, reused, own]) == [ADA, GRACE, GRACE]


def test_every_security_event_that_there_is_has_its_words_for_a_tenant_or_for_the_operator_alone() -> None:
    there = {topic for topic, kind in TOPICS.items() if kind.__module__ == "domain.security"}
    of_users = {"user.totp_confirmed.v1", "user.totp_disabled.v1", "user.recovery_code_used.v1"}
    of_tenants = set(security_events.topics_of(None))
    assert of_tenants.isdisjoint(violations.topics_of(None))
    assert of_tenants | set(violations.topics_of(None)) == there | of_users
    assert security_events.topics_of(SecurityEventKind.REFRESH_REUSED) == ("security.refresh_reused.v1",)
