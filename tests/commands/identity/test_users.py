"""R1.4: what ends all sessions of a user."""

from uuid import uuid4

from commands.decision import Given
from commands.identity import users
from commands.identity.users import SetPassword, SignOutUser
from domain.user import SignOut, User, UserPasswordChanged, UserRegistered, UserSignedOut, evolve
from tests.given import START, TENANT, some_id

USER = some_id(1)


def user(*events: UserPasswordChanged | UserSignedOut) -> User:
    state = None
    for event in (UserRegistered(name="Ada", email="a@x.example", password_hash="old", roles=("sales",)), *events):
        state = evolve(state, event, stream_id=USER, at=START)
    assert state is not None
    return state


def known(state: User) -> Given[User]:
    return Given(tenant_id=TENANT, stream_id=USER, state=state, now=START, new_id=uuid4, caller=USER, found={})


def test_signing_out_everywhere_begins_another_epoch() -> None:
    (event,) = users.sign_out(SignOutUser(SignOut.ASKED), known(user())).events
    assert event == UserSignedOut(reason=SignOut.ASKED)
    assert user(event).epoch == 1


def test_another_password_ends_every_session() -> None:
    decision = users.set_password(SetPassword("new", SignOut.PASSWORD_CHANGED), known(user()))
    assert decision.events == (
        UserPasswordChanged(password_hash="new"),
        UserSignedOut(reason=SignOut.PASSWORD_CHANGED),
    )
    after = user(*decision.events)
    assert (after.password_hash, after.epoch, after.version) == ("new", 1, 3)
