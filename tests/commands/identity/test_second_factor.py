"""R1.4: a second factor is enrolled, confirmed, used and given up."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from commands.decision import Decision, Given
from commands.identity import second_factor
from commands.identity.second_factor import ConfirmTotp, DisableTotp, EnrolTotp, SpendRecoveryCode
from domain.errors import DomainError
from domain.event import Event
from domain.second_factor import RecoveryCodeUsed, TotpConfirmed, TotpDisabled, TotpEnrolled
from domain.user import SignOut, User, UserPasswordChanged, UserRegistered, UserSignedOut, evolve
from tests.given import START, TENANT, some_id

USER = some_id(1)
ENROLLED = TotpEnrolled(secret="JBSWY3DP", recovery_codes=("one", "two"))
ON = (ENROLLED, TotpConfirmed())


def user(*events: Event) -> User:
    state = None
    for event in (UserRegistered(name="Ada", email="a@x.example", password_hash="old", roles=("sales",)), *events):
        state = evolve(state, event, stream_id=USER, at=START)
    assert state is not None
    return state


def known(*events: Event) -> Given[User]:
    return Given(tenant_id=TENANT, stream_id=USER, state=user(*events), now=START, new_id=uuid4, caller=USER, found={})


def code_of(decide: Callable[[Any, Given[User]], Decision], command: Any, *events: Event) -> str:
    with pytest.raises(DomainError) as refusal:
        decide(command, known(*events))
    return refusal.value.code


def test_a_secret_counts_once_it_is_confirmed() -> None:
    command = EnrolTotp("JBSWY3DP", ("one", "two"))
    assert second_factor.enrol(command, known()).events == (ENROLLED,)
    assert not user(ENROLLED).totp_enabled
    assert second_factor.confirm(ConfirmTotp(), known(ENROLLED)).events == (TotpConfirmed(),)
    assert user(*ON).totp_enabled


def test_a_secret_that_was_never_confirmed_is_replaced_and_one_that_was_is_not() -> None:
    command = EnrolTotp("OTHER", ())
    after = user(ENROLLED, *second_factor.enrol(command, known(ENROLLED)).events)
    assert after.second_factor is not None
    assert after.second_factor.secret == "OTHER"
    assert code_of(second_factor.enrol, command, *ON) == "auth.totp_enabled"
    assert code_of(second_factor.confirm, ConfirmTotp(), *ON) == "auth.totp_enabled"


def test_what_is_not_there_is_neither_confirmed_nor_given_up() -> None:
    assert code_of(second_factor.confirm, ConfirmTotp()) == "auth.totp_missing"
    assert code_of(second_factor.disable, DisableTotp()) == "auth.totp_missing"
    assert code_of(second_factor.disable, DisableTotp(), ENROLLED) == "auth.totp_missing"


def test_nothing_is_left_of_what_was_given_up() -> None:
    assert second_factor.disable(DisableTotp(), known(*ON)).events == (TotpDisabled(),)
    assert user(*ON, TotpDisabled()).second_factor is None


def test_a_recovery_code_is_good_once() -> None:
    command = SpendRecoveryCode("one")
    (spent,) = second_factor.spend(command, known(*ON)).events
    assert spent == RecoveryCodeUsed(digest="one")
    assert code_of(second_factor.spend, command, *ON, spent) == second_factor.SPENT
    assert second_factor.spend(SpendRecoveryCode("two"), known(*ON, spent)).events
    assert code_of(second_factor.spend, command, ENROLLED) == second_factor.SPENT


def test_another_password_leaves_the_second_factor_as_it_was() -> None:
    reset = (UserPasswordChanged(password_hash="new"), UserSignedOut(reason=SignOut.PASSWORD_RESET))
    assert user(*ON, *reset).second_factor == user(*ON).second_factor
