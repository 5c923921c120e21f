from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projections.matching import blocking, estimate, weights, within
from projections.matching.person import Person, person
from projections.matching.weights import Model
from tests.projections.matching.people import KEYS, World, colleagues, world

SALT = b"0123456789abcdef"


def scores(model: Model, there: World) -> dict[tuple[int, int], float]:
    keys = [blocking.keys(each, SALT) for each in there.people]
    return {
        (a, b): weights.probability(model, weights.compare(model, there.people[a], there.people[b]))
        for a, b in within.candidates(keys)
    }


def learnt(there: World) -> Model:
    keys = [blocking.keys(each, SALT) for each in there.people]
    candidates = [(there.people[a], there.people[b]) for a, b in within.candidates(keys)]
    return estimate.estimate(KEYS, there.people, candidates, contacts=len(there.people))


@pytest.fixture(scope="module")
def families() -> World:
    return world(1)


@pytest.fixture(scope="module")
def model(families: World) -> Model:
    return learnt(families)


@given(st.lists(st.text(max_size=8), min_size=4, max_size=4), st.lists(st.text(max_size=8), min_size=4, max_size=4))
@example(["0", "10", "", ""], ["1", "0", "", ""])
def test_a_score_is_a_probability_whoever_comes_first(one: list[str], other: list[str]) -> None:
    a, b = (
        person(KEYS, given=given, family=family, emails=[email], custom={"street": street})
        for given, family, email, street in (one, other)
    )
    model = weights.default(KEYS)
    score = weights.probability(model, weights.compare(model, a, b))
    assert 0 <= score <= 1
    assert score == weights.probability(model, weights.compare(model, b, a))


def test_the_order_of_fields_makes_no_difference_but_in_the_last_digits(families: World, model: Model) -> None:
    for (a, b), score in list(scores(model, families).items())[:200]:
        parts = weights.compare(model, families.people[a], families.people[b])
        assert weights.probability(model, parts[::-1]) == pytest.approx(score)


def test_the_same_contacts_give_the_same_model(families: World, model: Model) -> None:
    assert learnt(families) == model


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_duplicates_are_found_and_families_are_left_alone(seed: int) -> None:
    """R3.5: most of what is there twice is suggested, and hardly anything that is not."""
    there = world(seed)
    found = scores(learnt(there), there)
    suggested = {pair for pair, score in found.items() if score >= 0.5}
    merged = {pair for pair, score in found.items() if score >= 0.96}
    assert len(suggested & there.pairs) / len(there.pairs) >= 0.95
    assert len(suggested & there.pairs) / len(suggested) >= 0.95
    assert len(merged & there.pairs) / len(merged) >= 0.99


def test_among_families_those_few_who_are_there_twice_are_sure_enough_to_merge() -> None:
    """R3.5: how seldom families share a given name or a birthday is learnt too."""
    there = world(4, people=500, families=0.9, twice=0.1)
    merged = {pair for pair, score in scores(learnt(there), there).items() if score >= 0.96}
    assert len(merged & there.pairs) / len(there.pairs) >= 0.9
    assert len(merged & there.pairs) / len(merged) >= 0.98


def test_a_couple_with_one_mailbox_is_two_people_among_colleagues_too() -> None:
    keys = ("name", "email", "phone", "company")
    there = colleagues(6, keys)
    known = [blocking.keys(each, SALT) for each in there.people]
    candidates = [(there.people[a], there.people[b]) for a, b in within.candidates(known)]
    model = estimate.estimate(keys, there.people, candidates, contacts=len(there.people))
    ada, eva = (
        person(
            keys, given=given, family="Galvan", emails=["info@g.example"], phones=["+493012345678"], company="Galvan"
        )
        for given in ("Lindsey", "Alexis")
    )
    assert weights.probability(model, weights.compare(model, ada, eva)) < 0.96
    assert weights.probability(model, weights.compare(model, ada, ada)) > 0.96


def test_before_anything_is_learnt_the_same_person_is_suggested_and_a_sister_is_not() -> None:
    model = weights.default(("name", "email", "phone", "company"))
    ada = person(KEYS, given="Ada", family="Lovelace", emails=["ada@example.com"], phones=["+442079460000"])
    again = person(KEYS, given="Ada", family="Lovelase", emails=["ada@example.com"])
    sister = person(KEYS, given="Mary", family="Lovelace", phones=["+442079460000"])
    assert weights.probability(model, weights.compare(model, ada, again)) > 0.9
    assert weights.probability(model, weights.compare(model, ada, sister)) < 0.3


def test_a_common_name_is_worth_less_than_a_rare_one() -> None:
    random = Random(5)  # noqa: S311  nothing is secret here
    people = [person(["name"], given=f"g{random.randrange(10**6)}", family="Smith") for _ in range(300)]
    people += [person(["name"], given=f"g{random.randrange(10**6)}", family=f"f{number}") for number in range(300)]
    model = estimate.estimate(["name"], people, [], contacts=600)
    smith, rare = (
        weights.compare(model, one, one)[1] for one in (person(["name"], given="A", family=f) for f in ("Smith", "f7"))
    )
    assert smith.weight < rare.weight - 5


def test_what_only_one_of_them_has_says_nothing() -> None:
    model = weights.default(KEYS)
    one, other = person(KEYS, given="Ada"), person(KEYS, given="Ada", emails=["ada@example.com"])
    assert [part.field for part in weights.compare(model, one, other)] == ["given"]


def test_those_who_have_nothing_to_compare_are_hardly_one_person() -> None:
    model = weights.default(KEYS)
    nobody = Person({})
    assert weights.probability(model, weights.compare(model, nobody, nobody)) < 0.001
