import pytest

from projections.matching import blocking, within
from projections.matching.person import Person, person
from tests.projections.matching.people import KEYS

SALT, OTHER = b"a" * 16, b"b" * 16


def made(**values: str | None) -> Person:
    emails, phones = ([v] if v else [] for v in (values.get("email"), values.get("phone")))
    custom = {key: values.get(key) for key in ("street", "postcode", "born")}
    return person(
        KEYS, given=values.get("given"), family=values.get("family"), emails=emails, phones=phones, custom=custom
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (made(given="Jon", family="Meyer"), made(given="John", family="Maier")),
        (made(given="Bob", family="Smith"), made(given="Robert", family="Smith")),
        (made(given="Ada", family="Lovelace"), made(given="Lovelace", family="Ada")),
        (made(given="Ada", phone="+442079460000"), made(given="Eve", phone="02079460000")),
        (made(email="lovelace@example.com"), made(email="lovelcae@example.com")),
        (made(given="X", born="1956-04-09"), made(given="Y", born="09.04.1956")),
        (made(given="Ada", postcode="2119"), made(family="Ada", postcode="2119")),
    ],
)
def test_those_who_may_be_one_person_share_a_key(one: Person, other: Person) -> None:
    assert set(blocking.keys(one, SALT)) & set(blocking.keys(other, SALT))


def test_keys_tell_nothing_of_another_tenant() -> None:
    ada = made(given="Ada", family="Lovelace", email="ada@example.com")
    assert not set(blocking.keys(ada, SALT)) & set(blocking.keys(ada, OTHER))


def test_there_are_never_more_than_a_few_keys() -> None:
    many = person(KEYS, given="Ada", family="L", emails=[f"mailbox{n}@example.com" for n in range(50)])
    assert 0 < len(blocking.keys(many, SALT)) <= 24


def test_a_pair_comes_once_and_a_key_of_many_is_passed_over() -> None:
    keys = [[1, 2, 9], [1, 2, 9], [9], [9]]
    assert list(within.candidates(keys, most=3)) == [(0, 1)]
    assert len(list(within.candidates(keys, most=4))) == 6
