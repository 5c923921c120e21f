"""R3.1, R3.4: what people type comes in normal form, once and for all, whatever they type."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example
from hypothesis import given as for_all
from hypothesis import strategies as st

from commands import normalise
from commands.identity.accounts import login_name
from commands.normalise import Problems
from domain.contact import Email

ANYTHING = st.text()
ADDRESSES = st.emails() | st.text() | st.from_regex(r"[\w.+-]{1,20}@[\w-]{1,20}\.[a-z]{2,6}", fullmatch=True)
NUMBERS = st.from_regex(r"\+?[0-9 ()/.-]{3,20}", fullmatch=True) | st.text()


def line(text: str) -> tuple[str | None, list[str]]:
    problems = Problems()
    found = normalise.line(text, "/x", problems, longest=200)
    return found, [error.code for error in problems.errors]


def email(text: str) -> str | None:
    problems = Problems()
    found = normalise.email(text, "/x", problems)
    assert (found is None) == bool(problems.errors)
    return found


def phone(text: str) -> str | None:
    problems = Problems()
    found = normalise.phone(text, "/x", problems)
    assert (found is None) == bool(problems.errors)
    return found


@for_all(ANYTHING)
def test_a_line_in_normal_form_stays_as_it_is(text: str) -> None:
    found, _ = line(text)
    if found is not None:
        assert line(found)[0] == found
        assert found == found.strip()
        assert "\n" not in found


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u3000", "\u00a0", "\u200b", "\u202e \u2060\ufeff"])
def test_what_nobody_sees_alone_is_nothing(text: str) -> None:
    assert line(text) == (None, [])


@pytest.mark.parametrize(
    "text", ["\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f3f3\ufe0f\u200d\U0001f308"]
)
def test_what_nobody_sees_between_letters_stays_since_scripts_and_pictures_need_it(text: str) -> None:
    assert line(text) == (text, [])


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "\x7f", "\x9f", "\ud800"])
def test_control_characters_are_refused(text: str) -> None:
    assert line(text)[1] == ["text.control_character"]


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert line("Zoe\u0308") == line("Zo\u00eb") == ("Zo\u00eb", [])


def test_length_counts_characters_not_bytes() -> None:
    assert line("\u738b" * 200)[1] == []
    assert line("x" * 201)[1] == ["text.too_long"]


@for_all(ADDRESSES)
@example("x@b\u00fccher.example")
@example("a@b..example")
@example("\u00e9@xn--.example")
def test_an_email_in_normal_form_stays_as_it_is(text: str) -> None:
    found = email(text)
    if found is not None:
        assert email(found) == found


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" ada@Engines.Example ", "ada@engines.example"),
        ("Ada.Lovelace+crm@engines.example", "Ada.Lovelace+crm@engines.example"),
        ("ada@xn--bcher-kva.example", "ada@b\u00fccher.example"),
        ("\u7528\u6237@\u4f8b\u5b50.example", "\u7528\u6237@\u4f8b\u5b50.example"),
        ("ada@printer.local", "ada@printer.local"),
    ],
)
def test_emails_as_people_write_them(text: str, normal: str) -> None:
    assert email(text) == normal


@pytest.mark.parametrize(
    "text",
    ["", "ada", "@engines.example", "ada@", "ada@engines", "a b@c.example", "a@b.example\x00", "Ada <a@b.example>"],
)
def test_what_is_no_email(text: str) -> None:
    assert email(text) is None


@for_all(NUMBERS)
def test_a_phone_number_in_normal_form_stays_as_it_is(text: str) -> None:
    found = phone(text)
    if found is not None:
        assert found[0] == "+"
        assert found[1:].isdecimal()
        assert len(found) <= 18
        assert phone(found) == found


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("+44 20 7946 0018", "+442079460018"),
        ("+49 (0)30 901820", "+4930901820"),
        ("+39 06 698 12345", "+390669812345"),
        ("tel:+1-202-555-0143", "+12025550143"),
        ("\uff0b\uff14\uff19 30 901820", "+4930901820"),
    ],
)
def test_phone_numbers_as_people_write_them(text: str, normal: str) -> None:
    assert phone(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "030 901820",
        "+",
        "+999 1234567",
        "+49 1",
        "+1 202 555 01433",
        "+1 202 55",
        "+49 " + "1" * 30,
        "+82 0000000",
        "call me",
    ],
)
def test_what_is_no_phone_number_with_country_code(text: str) -> None:
    assert phone(text) is None


@pytest.mark.parametrize("text", ["+49 30 901820 ext. 12", "+1 202 555 0143 x7", "tel:+1-202-555-0143;ext=7"])
def test_an_extension_is_refused_rather_than_dropped(text: str) -> None:
    problems = Problems()
    assert normalise.phone(text, "/phone", problems) is None
    assert [(error.pointer, error.code) for error in problems.errors] == [("/phone", "phone.extension")]


@for_all(st.lists(st.tuples(st.sampled_from(["a@b.example", "A@b.example", "c@d.example", "?"]), st.booleans())))
def test_of_several_addresses_exactly_one_is_primary(items: list[tuple[str, bool]]) -> None:
    problems = Problems()
    asked = [(value, "work", primary) for value, primary in items]
    found = normalise.addresses(asked, "/emails", problems, Email, normalise.email)
    if found and not problems.errors:
        assert sum(address.primary for address in found) == 1
        assert len({address.value.lower() for address in found}) == len(found)


@for_all(st.lists(st.text()))
def test_tags_stand_once_each_and_stay_as_they_are(values: list[str]) -> None:
    problems = Problems()
    found = normalise.tags(values, "/tags", problems)
    if not problems.errors:
        assert normalise.tags(found, "/tags", problems) == found


@for_all(ANYTHING)
@example("\u0345\u0301")
@example("\u1e9e\u0307")
def test_a_key_is_the_same_for_what_it_made_of_a_text(text: str) -> None:
    assert normalise.key(normalise.key(text)) == normalise.key(text)
    assert normalise.key(f"  {text}\n") == normalise.key(text)


def test_two_spellings_of_a_name_have_one_key() -> None:
    assert normalise.key("STRASSE  Ltd") == normalise.key("stra\u00dfe \uff2ctd")
    assert normalise.key("Ltd\ufeff") == normalise.key("L\u200bt\u00add") == normalise.key("Ltd")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Grace@Engines.Example", " grace@engines.example"),
        ("grace@xn--bcher-kva.example", "grace@B\u00dcCHER.example"),
        ("zoe\u0308@engines.example", "ZO\u00cb@engines.example"),
    ],
)
def test_two_spellings_of_an_email_sign_in_the_same_user(one: str, other: str) -> None:
    assert login_name(one) == login_name(other)


@for_all(ADDRESSES)
def test_a_login_name_is_the_same_for_the_address_in_normal_form(text: str) -> None:
    found = email(text)
    if found is not None:
        assert login_name(found) == login_name(text)


def test_pointers_escape_what_they_must() -> None:
    assert normalise.pointer("/custom", "a/b~c") == "/custom/a~1b~0c"


ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@for_all(st.datetimes(timezones=ZONES))
@example(datetime.min.replace(tzinfo=timezone(timedelta(hours=10))))
@example(datetime.max.replace(tzinfo=timezone(timedelta(hours=-10))))
def test_a_time_is_told_in_utc_or_is_of_no_year_that_anything_is_told_of(at: datetime) -> None:
    """The ends of the calendar are other times in other zones than there are, and years that no store can tell."""
    problems = Problems()
    found = normalise.moment(at, "/at", problems)
    assert (found.tzinfo, found.year in range(1900, 2200)) == (UTC, True)
    assert [error.code for error in problems.errors] == ([] if found == at else ["time.out_of_range"])
