"""R3.5: contacts as CSV, which spreadsheets show and run nothing of, and which are read back as what they were."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.contacts.csv import columns, custom_text, header, lines
from commands.cells import several, unguarded, unlabelled
from commands.visible import View
from domain.contact import Email, Name, Phone
from domain.field_rules import FieldAccess
from projections.contacts.queries import Stored
from tests.api.http.contacts.contacts import a_contact

FREE = View({})
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")

words = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Z"]) | st.sampled_from(" =+-@',;|\\\"\uff1d"),
    min_size=1,
    max_size=12,
).map(lambda text: " ".join(text.split()) or "x")
addresses = words.map(lambda text: text.replace(":", "") or "x")  # no address has a colon
emails = st.lists(st.tuples(addresses, st.sampled_from(["work", "home"])), max_size=3).map(
    lambda found: tuple(Email(value, kind, primary=n == 0) for n, (value, kind) in enumerate(found))
)
contacts = st.builds(
    a_contact,
    name=st.builds(Name, st.none() | words, st.none() | words, st.none() | words),
    emails=emails,
    title=st.none() | words,
    tags=st.lists(words, max_size=3).map(tuple),
    external_ids=st.dictionaries(st.sampled_from(["erp", "shop"]), words),
)


def read(found: list[Stored], view: View = FREE, **keys: Any) -> list[dict[str, str]]:
    told = columns(view, systems=keys.get("systems", ["erp", "shop"]), custom=keys.get("custom", []))
    text = (header(told) + lines(told, found)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_file_is_rfc_4180_with_a_byte_order_mark() -> None:
    told = columns(FREE, systems=[], custom=[])
    raw = header(told) + lines(told, [a_contact(title='the "Countess"')])
    assert raw.startswith(b"\xef\xbb\xbfid,name,given,family,email,phone,company,title,tags,owner_id,lifecycle,")
    assert raw.endswith(b",2026-01-05T09:30:00Z,2026-01-05T09:30:00Z\r\n")
    assert raw.count(b"\r\n") == raw.count(b"\n") == 2
    assert b',"Analytical Engines, Ltd","the ""Countess""",' in raw


def test_everything_of_a_contact_is_there() -> None:
    contact = a_contact(custom={"age": 36, "vip": True, "sizes": ["S", "a, b"], "born": "1815-12-10", "none": None})
    (row,) = read([contact], custom=["age", "vip", "sizes", "born", "none"])
    assert row == {
        "id": str(contact.id),
        "name": "Ada Lovelace",
        "given": "Ada",
        "family": "Lovelace",
        "email": "ada@engines.example; home: home@ada.example",
        "phone": "mobile: +442079460018",
        "company": "Analytical Engines, Ltd",
        "title": "Countess",
        "tags": "math; a\\;b",
        "owner_id": str(contact.owner_id),
        "lifecycle": "lead",
        "external_ids.erp": "7",
        "external_ids.shop": "",
        "custom.age": "36",
        "custom.vip": "true",
        "custom.sizes": "S; a\\, b",
        "custom.born": "1815-12-10",
        "custom.none": "",
        "created_at": "2026-01-05T09:30:00Z",
        "updated_at": "2026-01-05T09:30:00Z",
    }


@pytest.mark.parametrize(("value", "text"), [(1e-07, "0.0000001"), (-1.5, "-1.5"), (10**14, "100000000000000")])
def test_numbers_are_written_out(value: float, text: str) -> None:
    assert custom_text(value) == text


def test_a_contact_with_next_to_nothing_has_empty_cells() -> None:
    bare = a_contact(name=Name(), emails=(), phones=(Phone("+442079460018", primary=True),), company=None, title=None)
    (row,) = read([bare])
    assert row["phone"] == "'+442079460018"
    assert {row[name] for name in ("name", "given", "family", "email", "company", "title")} == {""}


@given(contacts)
def test_no_cell_is_a_formula_and_all_is_read_back(contact: Stored) -> None:
    (row,) = read([contact])
    assert not [cell for cell in row.values() if cell.startswith(FORMULA)]
    cells = {name: unguarded(cell) for name, cell in row.items()}
    assert (cells["name"], cells["given"], cells["family"]) == tuple(
        part or "" for part in (contact.name.display, contact.name.given, contact.name.family)
    )
    assert cells["title"] == (contact.title or "")
    assert tuple(several(cells["tags"])) == contact.tags
    found = [unlabelled(value) for value in several(cells["email"])]
    assert found == [(email.kind, email.value) for email in contact.emails]
    assert {
        k: cells[f"external_ids.{k}"] for k in ("erp", "shop") if cells[f"external_ids.{k}"]
    } == contact.external_ids


def test_what_is_hidden_has_no_column() -> None:
    rules = dict.fromkeys(("name", "emails", "external_ids", "custom.salary"), FieldAccess.HIDDEN)
    (row,) = read([a_contact(custom={"salary": 1, "size": "S"})], View(rules), custom=["salary", "size"])
    assert not {"name", "given", "family", "email", "external_ids.erp", "custom.salary"} & row.keys()
    assert row["custom.size"] == "S"
