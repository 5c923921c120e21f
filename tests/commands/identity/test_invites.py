"""R1.1, R1.4: tokens of mails are good once, for a while, and only for whom they were sent to."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from commands.decision import Given
from commands.identity import invites
from commands.identity.invites import INVITED_FOR, RESET_FOR, Invite, Join, RequestReset, TakeReset
from commands.identity.links import LinkToken
from domain.errors import DomainError
from domain.event import Event
from domain.user import (
    Link,
    SignOut,
    User,
    UserInvited,
    UserJoined,
    UserPasswordChanged,
    UserRegistered,
    UserResetRequested,
    UserRestored,
    UserSignedOut,
    UserSuspended,
    evolve,
)
from tests.given import START, TENANT, some_id

USER = some_id(1)
FIRST, SECOND = (LinkToken(TENANT, USER, bytes([number]) * 32) for number in (1, 2))
SIGNED_UP = UserRegistered(name="Ada", email="a@x.example", password_hash="old", roles=())
A_SECOND = timedelta(seconds=1)


def asked(token: LinkToken) -> UserResetRequested:
    return UserResetRequested(link=Link(token.digest, START + RESET_FOR))


def known(*events: Event, now: datetime = START) -> Given[User]:
    state: User | None = None
    for event in events:
        state = evolve(state, event, stream_id=USER, at=START)
    return Given(tenant_id=TENANT, stream_id=USER, state=state, now=now, new_id=uuid4, caller=USER, found={})


def spent(refused: DomainError) -> bool:
    return [(error.pointer, error.code) for error in refused.errors] == [("/token", "token.spent")]


def test_a_token_gets_another_password_within_the_hour_and_ends_every_session() -> None:
    late = START + RESET_FOR - A_SECOND
    decision = invites.take_reset(TakeReset(FIRST, "new"), known(SIGNED_UP, asked(FIRST), now=late))
    assert decision.events == (
        UserPasswordChanged(password_hash="new"),
        UserSignedOut(reason=SignOut.PASSWORD_RESET),
    )


@pytest.mark.parametrize(
    ("events", "now"),
    [
        ((), START),
        ((asked(FIRST),), START + RESET_FOR),
        ((asked(FIRST), asked(SECOND)), START),
        ((asked(FIRST), UserPasswordChanged(password_hash="other")), START),
        ((asked(FIRST), UserSuspended()), START),
        ((asked(SECOND),), START),
    ],
    ids=["never sent", "an hour later", "another one was sent", "the password was changed", "suspended", "another's"],
)
def test_no_other_token_does(events: tuple[Event, ...], now: datetime) -> None:
    with pytest.raises(DomainError) as refusal:
        invites.take_reset(TakeReset(FIRST, "new"), known(SIGNED_UP, *events, now=now))
    assert spent(refusal.value)


def test_who_may_not_sign_in_is_sent_nothing() -> None:
    assert invites.request_reset(RequestReset(FIRST.digest), known(SIGNED_UP)).events == (asked(FIRST),)
    assert invites.request_reset(RequestReset(FIRST.digest), known(SIGNED_UP, UserSuspended())).events == ()
    invited = UserInvited(email="a@x.example", roles=(), link=Link(FIRST.digest, START))
    assert invites.request_reset(RequestReset(FIRST.digest), known(invited)).events == ()


def test_an_invitation_is_good_once_for_a_week_while_it_stands() -> None:
    (invited,) = invites.invite(Invite("a@x.example", ["sales"], FIRST.digest), known()).events
    join = Join(FIRST, "Ada", "new")
    in_time = START + INVITED_FOR - A_SECOND
    assert invites.join(join, known(invited, UserSuspended(), UserRestored(), now=in_time)).events == (
        UserJoined(name="Ada", password_hash="new"),
    )
    joined = UserJoined(name="Ada", password_hash="new")
    for given in (
        known(invited, now=START + INVITED_FOR),
        known(invited, joined),
        known(invited, UserSuspended()),
        known(SIGNED_UP, asked(FIRST)),
    ):
        with pytest.raises(DomainError) as refusal:
            invites.join(join, given)
        assert spent(refusal.value)


def test_a_token_of_an_invitation_resets_nothing() -> None:
    invited = UserInvited(email="a@x.example", roles=(), link=Link(FIRST.digest, START + INVITED_FOR))
    with pytest.raises(DomainError) as refusal:
        invites.take_reset(TakeReset(FIRST, "new"), known(invited))
    assert spent(refusal.value)
