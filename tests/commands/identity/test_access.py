"""R2.6: whose records a caller reaches is the same, asked for one record or for all."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from commands.identity.access import Claims, speaking
from domain.access import grants
from domain.authorization import Access, Defined, Member
from tests.given import TENANT, some_id

PEOPLE = [some_id(number) for number in range(1, 6)]
teams = st.dictionaries(st.sampled_from([some_id(20), some_id(21)]), st.frozensets(st.sampled_from(PEOPLE)))


@given(teams, st.sampled_from(["all", "team", "own"]), st.sampled_from([*PEOPLE, None]))
def test_an_owner_is_within_reach_or_not(teams: dict[UUID, frozenset[UUID]], scope: str, owner: UUID | None) -> None:
    me = PEOPLE[0]
    defined = {some_id(30): Defined("r", grants(f"contacts.read:{scope}"))}
    access = Access(members={me: Member(("r",))}, defined=defined, teams=teams)
    caller = speaking(access, Claims(TENANT, me, some_id(40), 0), ("r",))

    owners = caller.owners("contacts.read")
    assert caller.reaches("contacts.read", owner) is (owners is None or owner in owners)
    assert caller.reaches("contacts.read", me)
    shares = any({me, owner} <= team for team in teams.values())
    assert caller.reaches("contacts.read", owner) is (scope == "all" or owner == me or (scope == "team" and shares))
    assert not caller.reaches("contacts.write", owner)
    assert caller.owners("contacts.write") == ()
