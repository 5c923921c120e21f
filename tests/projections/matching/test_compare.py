import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.matching import compare
from projections.matching.compare import CLOSE, DIFFERENT, EXACT, MISSING, PARTIAL
from projections.matching.person import Person, company_name, day, person

KEYS = ("name", "email", "phone", "company", "custom.x")
FIELDS = ("given", "family", "email", "phone", "company", "custom.x")

_text = st.text(max_size=12)
_people = st.builds(
    lambda given, family, email, phone, company, custom: person(
        KEYS, given=given, family=family, emails=[email], phones=[phone], company=company, custom={"x": custom}
    ),
    *(_text, _text, _text, _text, _text),
    st.one_of(_text, st.integers(), st.dates().map(str), st.lists(_text, max_size=3)),
)


def named(given: str | None, family: str | None = None) -> Person:
    return person(["name"], given=given, family=family)


@given(_people, _people)
def test_the_order_of_two_people_makes_no_difference(one: Person, other: Person) -> None:
    assert compare.levels(FIELDS, one, other) == compare.levels(FIELDS, other, one)


@given(_people)
def test_everybody_agrees_with_themselves(one: Person) -> None:
    assert set(compare.levels(FIELDS, one, one)) <= {EXACT, MISSING}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("Mikhayla", "Hannagan"), ("mikhayla", "HANNAGAN"), [EXACT, EXACT]),
        (("Mikhayla", "Hannagan"), ("Mikhvyla", "Hannaan"), [CLOSE, CLOSE]),
        (("Mikhayla", "Hannagan"), ("Hannagan", "Mikhayla"), [CLOSE, CLOSE]),
        (("José", "Muñoz"), ("Jose", "Munoz"), [EXACT, EXACT]),
        (("J", "Smith"), ("John", "Smith"), [PARTIAL, EXACT]),
        (("Anna Maria", "Rossi"), ("Anna", "Rossi"), [CLOSE, EXACT]),
        (("Caleb", "White"), ("White", "Bailey"), [DIFFERENT, CLOSE]),
        (("Shawn", "Meyer"), ("Sean", "Maier"), [PARTIAL, PARTIAL]),
        (("Isabelle", None), ("Isabelle", "Green"), [EXACT, MISSING]),
        (("Bob", "Smith"), ("Robert", "Smith"), [CLOSE, EXACT]),
        (("Peter", "Jones"), ("Maria", "Gomez"), [DIFFERENT, DIFFERENT]),
        (("太郎", "山田"), ("太郎", "山田"), [EXACT, EXACT]),
    ],
)
def test_names_agree_in_spite_of_what_people_do_to_them(
    one: tuple[str, str | None], other: tuple[str, str | None], expected: list[int]
) -> None:
    assert compare.levels(("given", "family"), named(*one), named(*other)) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1956-04-09", "19560409", EXACT),
        ("1956-04-09", "09.04.1956", EXACT),
        ("1956-04-09", "1956-09-04", CLOSE),
        ("1956-04-09", "1965-04-09", CLOSE),
        ("1956-04-09", "1999-12-31", DIFFERENT),
        ("2119", "2191", CLOSE),
        ("2119", "4070", DIFFERENT),
        ("177 Pridham Street", "177 pridhamstreet", CLOSE),
        ("177 Pridham Street", "Pridham Street 177", CLOSE),
        ("20 rupp place", "20 windradyen street", DIFFERENT),
        ("sa", "wa", DIFFERENT),
        (7, 7.0, EXACT),
    ],
)
def test_values_of_custom_fields_are_compared_by_what_they_look_like(one: object, other: object, expected: int) -> None:
    a, b = (person(["custom.x"], custom={"x": value}) for value in (one, other))
    assert compare.levels(["custom.x"], a, b) == [expected]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("ada@example.com", "Ada@Example.com", EXACT),
        ("lovelace@example.com", "lovelcae@example.com", CLOSE),
        ("lovelace@example.com", "lovelace@example.org", CLOSE),
        ("team1@example.com", "team2@example.com", PARTIAL),
        ("ada@example.com", "bob@example.com", DIFFERENT),
    ],
)
def test_addresses_agree_when_a_typo_is_all_that_differs(one: str, other: str, expected: int) -> None:
    a, b = (person(["email"], emails=[email]) for email in (one, other))
    assert compare.levels(["email"], a, b) == [expected]


def test_a_mailbox_that_is_called_like_its_owner_says_no_more_than_the_name_where_it_is_elsewhere() -> None:
    one, other = (
        person(["name", "email"], given="Kim", family="Lee", emails=[f"kim.lee@{domain}"])
        for domain in ("a.com", "b.com")
    )
    assert compare.levels(["given", "family", "email"], one, other) == [EXACT, EXACT, MISSING]


def test_mailboxes_of_colleagues_that_are_called_like_them_are_not_taken_for_one_with_a_typo() -> None:
    one = person(["name", "email"], given="Ellen", family="Ayers", emails=["eayers@example.com"])
    other = person(["name", "email"], given="Raymond", family="Myers", emails=["rmyers@example.com"])
    assert compare.levels(["given", "family", "email"], one, other) == [DIFFERENT, CLOSE, MISSING]


def test_of_several_phones_the_best_one_counts_with_or_without_country_code() -> None:
    one = person(["phone"], phones=["+61401804974", "+6129999999"])
    other = person(["phone"], phones=["0401804974"])
    assert compare.levels(["phone"], one, other) == [EXACT]


def test_legal_forms_are_no_part_of_a_company_s_name() -> None:
    assert company_name("ACME GmbH & Co. KG") == company_name("Acme") == "acme"
    assert company_name("The Co") == "the co"


def test_only_real_days_are_dates() -> None:
    assert day("19561309") is None
    assert day("1956-02-30") is None
    assert day("31/12/1999") == "19991231"
