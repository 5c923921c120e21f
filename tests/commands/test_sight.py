"""B9: who may see a record, and why."""

from datetime import timedelta
from uuid import UUID

from msgspec import structs

from commands.sight import Sight, place, who_sees
from domain.access import Scope, grants
from domain.authorization import Access, Defined, Key, Member
from tests.given import START, TENANT, some_id

ADA, GRACE, ALAN, TEAM, KEY = sorted(some_id(number) for number in range(1, 6))
ROLES = {
    some_id(20): Defined("own", grants("contacts.read:own")),
    some_id(21): Defined("team", grants("contacts.read:team")),
    some_id(22): Defined("blind", grants("reports.read")),
}


def access(*, keys: dict[UUID, Key] | None = None, **members: Member) -> Access:
    people = dict(zip((ADA, GRACE, ALAN), (members.get(name) for name in ("ada", "grace", "alan")), strict=True))
    there = {user_id: member for user_id, member in people.items() if member}
    return Access(members=there, defined=ROLES, teams={TEAM: frozenset({ADA, GRACE})}, keys=keys or {})


def seen(state: Access, owner_id: UUID | None = ADA) -> dict[UUID, tuple[Scope, tuple[str, ...]]]:
    return {one.key_id or one.user_id: (one.scope, one.roles) for one in who_sees(TENANT, state, owner_id, START)}


def test_a_scope_reaches_whose_record_it_is() -> None:
    state = access(ada=Member(("own",)), grace=Member(("team",)), alan=Member(("sales",)))
    assert seen(state) == {
        ADA: (Scope.OWN, ("own",)),
        GRACE: (Scope.TEAM, ("team",)),
        ALAN: (Scope.ALL, ("sales",)),
    }
    assert seen(state, GRACE).keys() == {GRACE, ALAN}
    assert seen(state, None).keys() == {ALAN}


def test_the_roles_named_are_those_that_give_it_so_far() -> None:
    assert seen(access(ada=Member(("own", "sales", "blind", "marketing")))) == {
        ADA: (Scope.ALL, ("sales", "marketing"))
    }


def test_who_has_no_such_role_or_is_not_in_sees_nothing() -> None:
    assert seen(access(ada=Member(("blind", "gone")), grace=Member(("sales",), suspended=True))) == {}
    assert seen(access(alan=Member(("admin",), joined=False))) == {}


def test_nobody_of_a_suspended_tenant_sees_anything() -> None:
    there = access(ada=Member(("admin",)))
    assert seen(there)
    assert seen(structs.replace(there, suspended=True)) == {}


def test_a_key_sees_in_its_own_roles_what_is_within_its_users_reach() -> None:
    def with_key(*roles: str, user: UUID = ADA, minutes: int = 1, revoked: bool = False) -> Access:
        end = START + timedelta(minutes=minutes)
        keys = {KEY: Key("Import", roles, user, "d", end, revoked)}
        return access(ada=Member(()), grace=Member((), suspended=True), keys=keys)

    assert seen(with_key("own")) == {KEY: (Scope.OWN, ("own",))}
    assert seen(with_key("own"), GRACE) == {}
    assert seen(with_key("sales", minutes=0)) == seen(with_key("sales", revoked=True)) == {}
    assert seen(with_key("sales", user=GRACE)) == seen(with_key("sales", user=some_id(50))) == {}


def test_they_stand_in_the_order_of_their_ids_users_before_their_keys() -> None:
    keys = {KEY: Key("Import", ("sales",), ADA, "d")}
    found = who_sees(TENANT, access(ada=Member(("sales",)), alan=Member(("admin",)), keys=keys), None, START)
    assert [(one.user_id, one.key_id) for one in found] == [(ADA, None), (ADA, KEY), (ALAN, None)]
    assert [place(one) for one in found] == sorted(place(one) for one in found)
    assert found[0] == Sight(user_id=ADA, scope=Scope.ALL, roles=("sales",))
