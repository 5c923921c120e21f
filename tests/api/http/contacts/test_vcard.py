"""R3.5: contacts as vCard 4.0 (RFC 6350)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.contacts.vcard import cards
from commands.visible import View
from domain.contact import Email, Name, Phone
from domain.field_rules import FieldAccess
from projections.contacts.queries import CompanyRef, Stored
from tests.api.http.contacts.contacts import a_contact
from tests.given import some_id

FREE = View({})
CUSTOM = ("age", "gone", "salary", "size", "sizes")
# RFC 6350, 3.3: contentline, without groups.
_NAME = "[A-Za-z0-9-]+"
_LINE = re.compile(rf"({_NAME})((?:;{_NAME}=[^\x00-\x08\x0a-\x1f\x7f\",;:]+)*):([^\x00-\x08\x0a-\x1f\x7f]*)")
_UNESCAPED = {"\\n": "\n", "\\N": "\n", "\\\\": "\\", "\\,": ",", "\\;": ";"}

words = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=90).map(str.strip).filter(bool)

Property = tuple[str, dict[str, str], str]


def read(raw: bytes) -> list[list[Property]]:
    """Cards as a strict reader has them: folds undone, each line taken apart by the grammar."""
    assert raw.endswith(b"\r\n")
    for line in raw[:-2].split(b"\r\n"):
        assert len(line) <= 75, line
        assert b"\n" not in line
        line.decode()  # no character is cut apart
    found: list[list[Property]] = []
    for unfolded in raw.decode().replace("\r\n ", "").split("\r\n")[:-1]:
        parts = _LINE.fullmatch(unfolded)
        assert parts, unfolded
        options = dict(option.split("=", 1) for option in parts[2].split(";")[1:])
        if parts[1] == "BEGIN":
            assert parts[3] == "VCARD"
            found.append([])
        found[-1].append((parts[1], options, parts[3]))
    for card in found:
        assert card[:2] == [("BEGIN", {}, "VCARD"), ("VERSION", {}, "4.0")]
        assert card[-1] == ("END", {}, "VCARD")
        assert sum(name == "FN" for name, _, _ in card) == 1
    return found


def text(value: str) -> str:
    assert not re.search(r"(?<!\\)(?:\\\\)*\\[^nN\\,;]", value), value
    return re.sub(r"\\[nN\\,;]", lambda found: _UNESCAPED[found[0]], value)


def test_a_card_has_all_of_a_contact() -> None:
    contact = a_contact(
        phones=(Phone("+442079460018", "mobile", primary=True), Phone("+4930901820", "front_desk")),
        custom={"age": 36, "sizes": ["S", "M"], "not_there": "any more"},
    )
    (card,) = read(cards(FREE, CUSTOM, [contact]))
    assert card[2:-1] == [
        ("UID", {}, f"urn:uuid:{contact.id}"),
        ("FN", {}, "Ada Lovelace"),
        ("N", {}, "Lovelace;Ada;;;"),
        ("EMAIL", {"TYPE": "home"}, "home@ada.example"),
        ("EMAIL", {"TYPE": "work", "PREF": "1"}, "ada@engines.example"),
        ("TEL", {"VALUE": "uri", "TYPE": "cell", "PREF": "1"}, "tel:+442079460018"),
        ("TEL", {"VALUE": "uri", "TYPE": "x-front-desk"}, "tel:+4930901820"),
        ("ORG", {}, "Analytical Engines\\, Ltd"),
        ("TITLE", {}, "Countess"),
        ("CATEGORIES", {}, "math,a\\;b"),
        ("X-RAPPORT-OWNER", {}, f"urn:uuid:{contact.owner_id}"),
        ("X-RAPPORT-LIFECYCLE", {}, "lead"),
        ("X-RAPPORT-ID", {"SYSTEM": "erp"}, "7"),
        ("X-RAPPORT-FIELD", {"KEY": "age"}, "36"),
        ("X-RAPPORT-FIELD", {"KEY": "sizes"}, "S\\; M"),
        ("REV", {}, "20260105T093000Z"),
    ]


@given(words, words, st.lists(words, min_size=1, max_size=3), words)
def test_whatever_is_in_a_field_is_folded_and_escaped_so_that_it_is_read_back(
    given_name: str, family: str, tags: list[str], title: str
) -> None:
    contact = a_contact(
        name=Name(given_name, family, f"{given_name} {family}"),
        company=CompanyRef(some_id(2), family),
        tags=tuple(tags),
        title=title,
    )
    (card, other) = read(cards(FREE, CUSTOM, [contact, a_contact()]))
    values = {name: value for name, _, value in card}
    assert text(values["FN"]) == f"{given_name} {family}"
    assert text(values["TITLE"]) == title
    assert text(values["ORG"]) == family
    assert _parts(values["N"], ";") == [family, given_name, "", "", ""]
    assert _parts(values["CATEGORIES"], ",") == tags
    assert other[2][2].endswith(str(some_id(1)))


def _parts(value: str, at: str) -> list[str]:
    """The parts of a value between marks that are not escaped."""
    found, escaped = [""], False
    for character in value:
        if character == at and not escaped:
            found.append("")
        else:
            found[-1] += character
        escaped = character == "\\" and not escaped
    return [text(part) for part in found]


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        (a_contact(name=Name()), "home@ada.example"),
        (a_contact(name=Name(), emails=()), "+442079460018"),
    ],
)
def test_a_contact_without_a_name_is_shown_by_an_address(contact: Stored, shown: str) -> None:
    (card,) = read(cards(FREE, CUSTOM, [contact]))
    assert ("FN", {}, shown) in card
    assert not [name for name, _, _ in card if name == "N"]


def test_what_is_hidden_is_in_no_card_and_not_in_what_it_is_shown_by() -> None:
    hidden = dict.fromkeys(("name", "emails", "phones", "tags", "custom.salary"), FieldAccess.HIDDEN)
    contact = a_contact(custom={"salary": 1, "size": "S"}, emails=(Email("secret@ada.example", primary=True),))
    (card,) = read(cards(View(hidden), CUSTOM, [contact]))
    assert ("FN", {}, str(contact.id)) in card
    assert not {"N", "EMAIL", "TEL", "CATEGORIES"} & {name for name, _, _ in card}
    assert [options for name, options, _ in card if name == "X-RAPPORT-FIELD"] == [{"KEY": "size"}]
