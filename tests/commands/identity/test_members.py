"""R2.1, R2.6: roles given and taken, users suspended and restored."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from commands.decision import Decision, Given
from commands.identity import members
from commands.identity.members import Restore, RolesOf, Suspend
from commands.ports import StreamEvents
from domain.access import BUILT_IN_ROLES, Grants, grants
from domain.authorization import Access, Member
from domain.errors import DomainError
from domain.event import Event
from domain.field_rules import Rights
from domain.role import AdminRemoved, admins_stream
from domain.user import User, UserRegistered, UserRestored, UserRolesChanged, UserSuspended, evolve
from tests.given import START, TENANT, some_id

USER, OTHER = some_id(1), some_id(2)
ADMIN = BUILT_IN_ROLES["admin"]


class Case:
    """A user with a history, in a tenant where others are admins."""

    def __init__(
        self, *events: Event, roles: tuple[str, ...] = ("sales",), admins: tuple[UUID, ...] = (OTHER,)
    ) -> None:
        self.user: User | None = None
        for event in (UserRegistered(name="Ada", email="a@x.example", password_hash="x", roles=roles), *events):
            self.user = evolve(self.user, event, stream_id=USER, at=START)
        people = {USER: Member(roles)} | {each: Member(("admin",)) for each in admins}
        self.access = Access(position=9, removals=4, members=people)

    @property
    def known(self) -> Given[User]:
        return Given(tenant_id=TENANT, stream_id=USER, state=self.user, now=START, new_id=uuid4, caller=OTHER, found={})

    def give(self, *roles: str, by: Grants = ADMIN) -> Decision:
        return members.give_roles(RolesOf(roles, Rights(by), self.access), self.known)

    def suspend(self, by: Grants = ADMIN) -> Decision:
        return members.suspend(Suspend(Rights(by), self.access), self.known)


def refused(code: str, act: Any, *arguments: Any, **named: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        act(*arguments, **named)
    assert refusal.value.code == code
    return refusal.value


def test_roles_given_are_the_whole_list_each_once() -> None:
    decision = Case().give("marketing", "sales", "marketing")
    assert decision.events == (UserRolesChanged(roles=("marketing", "sales")),)


def test_the_same_roles_are_no_change() -> None:
    assert Case(roles=("sales", "marketing")).give("marketing", "sales") == Decision()


def test_a_role_that_is_not_there_is_named() -> None:
    refusal = refused("validation.failed", Case().give, "sales", "pilot")
    assert [(error.pointer, error.code) for error in refusal.errors] == [("/roles/1", "role.not_found")]


def test_nobody_gives_or_takes_what_they_do_not_hold() -> None:
    clerk = grants("users.manage", "users.read", "reports.read")
    refusal = refused("permission.missing", Case(roles=()).give, "sales", by=clerk)
    assert refusal.members["permission"] in BUILT_IN_ROLES["sales"]
    refused("permission.missing", Case(roles=("admin",)).give, by=clerk)
    refused("permission.missing", Case(roles=("admin",)).suspend, by=clerk)
    narrow = grants("users.manage", *(f"{name}:own" for name in ("leads.read", "contacts.read")))
    refused("permission.missing", Case(roles=()).give, "sales", by=narrow)


def test_an_admin_less_is_noted_where_two_at_once_would_meet() -> None:
    noted = (StreamEvents(admins_stream(TENANT), 4, (AdminRemoved(user_id=USER),)),)
    assert Case(roles=("admin",)).give("sales").related == noted
    assert Case(roles=("admin",)).suspend().related == noted
    assert Case().give("marketing").related == Case().suspend().related == ()


def test_the_last_admin_stays() -> None:
    last = Case(roles=("admin",), admins=())
    refused("user.last_admin", last.give, "sales")
    refused("user.last_admin", last.suspend)
    assert last.give("admin", "sales").events


def test_an_admin_who_is_suspended_does_not_count() -> None:
    case = Case(roles=("admin",), admins=())
    case.access = Access(members={USER: Member(("admin",)), OTHER: Member(("admin",), suspended=True)})
    refused("user.last_admin", case.suspend)


def test_suspended_and_restored_again() -> None:
    assert Case().suspend().events == (UserSuspended(),)
    out = Case(UserSuspended())
    assert out.suspend() == Decision()
    assert members.restore(Restore(Rights(ADMIN), out.access), out.known).events == (UserRestored(),)
    assert members.restore(Restore(Rights(ADMIN), out.access), Case().known) == Decision()
