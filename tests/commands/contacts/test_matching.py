from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands.contacts import matching
from commands.contacts.matching import DismissPair, PutRules
from commands.decision import Decision, Given
from domain.errors import InvalidError
from domain.matching import (
    Dismissal,
    DuplicatesDismissed,
    MatchingRules,
    MatchingRulesSet,
    evolve_dismissal,
    evolve_rules,
    pair_id,
    rules_id,
)
from tests.given import ADA, CALLER, START, TENANT, custom_field, some_id


def given(state: Any = None) -> Given[Any]:
    return Given(
        tenant_id=TENANT,
        stream_id=rules_id(TENANT),
        state=state,
        now=START,
        new_id=lambda: ADA,
        caller=CALLER,
        found={},
        custom={"postcode": custom_field("postcode")},
    )


def put(state: MatchingRules | None = None, **members: Any) -> Decision:
    return matching.set_rules(msgspec.convert(members, PutRules), given(state))


def after(decision: Decision, state: MatchingRules | None = None) -> MatchingRules:
    for event in decision.events:
        state = evolve_rules(state, event, stream_id=rules_id(TENANT), at=START)
    assert state
    return state


def test_what_is_left_out_is_as_usual() -> None:
    rules = after(put(keys=["name", "custom.postcode"]))
    assert rules.keys == ("name", "custom.postcode")
    assert (rules.version, rules.suggest_at, rules.merge_at, rules.auto_merge) == (1, 0.5, 0.96, False)


def test_the_same_rules_again_change_nothing() -> None:
    rules = after(put(keys=["email"], suggest_at=1, merge_at=1))
    assert put(rules, keys=["email"], suggest_at=1, merge_at=1).events == ()
    assert after(put(rules, keys=["email"], suggest_at=0.9, merge_at=1), rules).version == 2


@pytest.mark.parametrize(
    ("members", "pointers"),
    [
        ({"keys": []}, ["/keys"]),
        ({"keys": ["name"] * 21}, [*(f"/keys/{n}" for n in range(1, 21)), "/keys"]),
        ({"keys": ["name", "title", "custom.", "name", "custom.salary"]}, [f"/keys/{n}" for n in range(1, 5)]),
        ({"keys": ["name"], "suggest_at": 0, "merge_at": 1.5}, ["/suggest_at", "/merge_at"]),
        ({"keys": ["name"], "suggest_at": 0.9, "merge_at": 0.8}, ["/merge_at"]),
    ],
)
def test_rules_that_make_no_sense_are_told_all_at_once(members: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(InvalidError) as refused:
        put(**members)
    assert [error.pointer for error in refused.value.errors] == pointers


def test_a_pair_is_dismissed_once_whoever_of_the_two_is_named_first() -> None:
    one, other = some_id(1), some_id(2)
    decision = matching.dismiss(DismissPair((one, other)), given())
    assert decision.events == (DuplicatesDismissed(contact_ids=(one, other)),)
    state = evolve_dismissal(None, decision.events[0], stream_id=pair_id(one, other), at=START)
    assert isinstance(state, Dismissal)
    assert matching.dismiss(DismissPair((other, one)), given(state)).events == ()
    assert pair_id(one, other) == pair_id(other, one) != pair_id(one, one)


def test_the_rules_of_a_tenant_are_a_stream_of_their_own() -> None:
    assert rules_id(TENANT) != rules_id(UUID(int=1))
    with pytest.raises(TypeError):
        evolve_rules(None, DuplicatesDismissed(contact_ids=(ADA, ADA)), stream_id=TENANT, at=START)
    with pytest.raises(TypeError):
        evolve_dismissal(None, MatchingRulesSet(keys=(), suggest_at=1, merge_at=1), stream_id=TENANT, at=START)
