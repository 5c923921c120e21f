"""From the cells of a row to what is asked: a contact, and the keys by which it may be there already. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import phonenumbers
from msgspec import Struct, field

from commands import normalise
from commands.cells import several, unguarded, unlabelled
from commands.contacts.input import AddressInput, NameInput, RegisterContact
from commands.decision import Lookup
from commands.imports import mapping as import_mapping
from commands.imports import values as import_values
from commands.imports.values import UnreadableError
from commands.normalise import Problems
from domain.contact import Contact, Email, Lifecycle, Name, Phone
from domain.errors import FieldError

EMAIL, PHONE, ID, EXTERNAL = "contact.email", "contact.phone", "contact.id", "contact.external_id/"
"""Kinds of keys by which contacts are found."""

_LIFECYCLES = {each.value: each for each in Lifecycle}
_PLUS = re.compile(r"^\s*(\+|00)")


class Columns(Struct, frozen=True):
    """What the columns of a file are: place and field of each that is one.

    `orders` says of a column how it writes dates, `types` of a field of the tenant's own what its values are.
    `owners` are users by how the file names them, `country` is that of phone numbers without country code.
    """

    names: tuple[str, ...]
    targets: tuple[tuple[int, str], ...]
    orders: Mapping[str, str]
    types: Mapping[str, str]
    country: str | None = None
    owners: Mapping[str, UUID] = {}

    @property
    def owner_place(self) -> int | None:
        """Which column is the owner."""
        return next((place for place, target in self.targets if target == "owner"), None)


def columns(
    names: Sequence[str],
    mapping: Mapping[str, str | None],
    *,
    orders: Mapping[str, str],
    types: Mapping[str, str],
    country: str | None = None,
) -> Columns:
    """The columns of a file as somebody said that they are."""
    targets = [
        (place, import_mapping.canonical(target)) for place, name in enumerate(names) if (target := mapping.get(name))
    ]
    return Columns(tuple(names), tuple(targets), orders, types, country)


class Wish(Struct):
    """What a row asks for. `problems` are of cells that can't be read; `places` are the columns of what can."""

    number: int
    members: dict[str, Any] = field(default_factory=dict)
    problems: list[FieldError] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    contact_id: UUID | None = None
    keys: tuple[Lookup, ...] = ()
    new_id: UUID = UUID(int=0)
    suggested: bool = False

    @property
    def command(self) -> RegisterContact:
        """As a new contact."""
        return RegisterContact(**self.members)

    def bad(self, place: int, code: str, message: str) -> None:
        """A cell can't be read; its pointer is its column."""
        self.problems.append(FieldError(f"#{place}", code, message))

    def place_of(self, pointer: str) -> int | None:
        """The column that an error's pointer is about."""
        if pointer.startswith("#"):
            return int(pointer[1:])
        while pointer:
            if pointer in self.places:
                return self.places[pointer]
            pointer = pointer.rpartition("/")[0]
        return None


def wish(number: int, cells: Sequence[str], of: Columns) -> Wish:
    """What a row asks for."""
    made = Wish(number)
    if _is_ragged(cells, len(of.names)):
        text = f"has {len(cells)} cells where the header has {len(of.names)}"
        made.problems.append(FieldError("", "import.ragged", text))
        return made
    names: dict[str, str] = {}
    emails: list[AddressInput] = []
    phones: list[AddressInput] = []
    for place, target in of.targets:
        cell = unguarded(cells[place]).strip() if place < len(cells) else ""
        if not cell:
            continue
        root, _, detail = target.partition(".")
        if root in {"name", "given", "family", "display"}:
            names[root] = cell
            made.places[f"/name/{root}" if root != "name" else "/name"] = place
        elif root == "email":
            _add(made, emails, place, cell, detail, "/emails")
        elif root == "phone":
            _add(made, phones, place, cell, detail, "/phones")
        else:
            _ONE.get(root, _text)(made, place, cell, target, of)
    _name(made, names)
    _addresses(made, emails, phones, of)
    made.keys = tuple(_keys(made, emails, phones))
    return made


def tentative(wish: Wish, contact_id: UUID, at: datetime) -> Contact:
    """A contact as a row would make it, to be compared with others."""
    said = wish.members.get("name")
    if isinstance(said, NameInput):
        name = normalise.name(said.given or None, said.family or None, said.display or None)
    else:
        name = normalise.split_name(said) if said else Name()
    return Contact(
        id=contact_id,
        version=0,
        name=name,
        emails=tuple(Email(each.value) for each in wish.members.get("emails", ())),
        phones=tuple(Phone(each.value) for each in wish.members.get("phones", ())),
        created_at=at,
        updated_at=at,
    )


def keys_of(contact: Contact) -> Iterable[Lookup]:
    """The keys by which a contact is found."""
    yield ID, str(contact.id)
    for system, value in contact.external_ids.items():
        yield EXTERNAL + system, value
    for each in contact.emails:
        yield EMAIL, each.value.lower()
    for phone in contact.phones:
        yield PHONE, phone.value


def _is_ragged(cells: Sequence[str], width: int) -> bool:
    return len(cells) < width or any(cells[width:])


def _add(made: Wish, items: list[AddressInput], place: int, cell: str, kind: str, at: str) -> None:
    """One address or several, each maybe with its kind before it."""
    for part in several(cell):
        label, value = unlabelled(part)
        made.places[f"{at}/{len(items)}"] = place
        items.append(AddressInput(value=unguarded(value), kind=label if value != part else kind or label))


def _name(made: Wish, names: Mapping[str, str]) -> None:
    if not names:
        return
    whole = names.get("name") or names.get("display")
    if "given" in names or "family" in names:
        made.members["name"] = NameInput(given=names.get("given"), family=names.get("family"), display=whole)
        made.places.setdefault("/name", made.places.get("/name/given", made.places.get("/name/family", 0)))
        return
    made.members["name"] = whole
    made.places.setdefault("/name", made.places.get("/name/display", 0))


def _addresses(made: Wish, emails: list[AddressInput], phones: list[AddressInput], of: Columns) -> None:
    for each in phones:
        each.value = international(each.value, of.country)
    for name, items, key in (("emails", emails, str.lower), ("phones", phones, str)):
        if not items:
            continue
        # The same in two columns is no mistake of anybody's.
        distinct = {key(item.value): item for item in reversed(items)}
        kept = [item for item in items if distinct[key(item.value)] is item]
        if len(kept) < len(items):
            columns_ = [made.places.pop(f"/{name}/{n}") for n in range(len(items))]
            for number, item in enumerate(kept):
                made.places[f"/{name}/{number}"] = columns_[next(n for n, each in enumerate(items) if each is item)]
        kept[0].primary = True
        made.members[name] = kept


def _text(made: Wish, place: int, cell: str, target: str, _: Columns) -> None:
    made.members[target] = cell
    made.places[f"/{target}"] = place


def _tags(made: Wish, place: int, cell: str, _: str, __: Columns) -> None:
    made.members.setdefault("tags", []).extend(several(cell))
    made.places["/tags"] = place


def _owner(made: Wish, place: int, cell: str, _: str, of: Columns) -> None:
    made.places["/owner_id"] = place
    if (owner := of.owners.get(cell)) is None:
        made.bad(place, "user.not_found", "is no user of this company: write an e-mail or an id")
    else:
        made.members["owner_id"] = owner


def _lifecycle(made: Wish, place: int, cell: str, _: str, __: Columns) -> None:
    made.places["/lifecycle"] = place
    if (found := _LIFECYCLES.get(cell.casefold())) is None:
        made.bad(place, "value.not_allowed", f"is not one of {', '.join(_LIFECYCLES)}")
    else:
        made.members["lifecycle"] = found


def _id(made: Wish, place: int, cell: str, _: str, __: Columns) -> None:
    try:
        made.contact_id = UUID(cell)
    except ValueError:
        made.bad(place, "type.uuid", "must be a UUID")


def _external(made: Wish, place: int, cell: str, target: str, _: Columns) -> None:
    system = target.partition(".")[2]
    made.members.setdefault("external_ids", {})[system] = cell
    made.places[f"/external_ids/{system}"] = place


def _custom(made: Wish, place: int, cell: str, target: str, of: Columns) -> None:
    key = target.partition(".")[2]
    made.places[f"/custom/{key}"] = place
    try:
        value = import_values.read_custom(of.types.get(key, "text"), cell, of.orders.get(of.names[place]))
    except UnreadableError as unreadable:
        made.bad(place, unreadable.error.code, unreadable.error.message)
    else:
        made.members.setdefault("custom", {})[key] = value


_ONE = {
    "tags": _tags,
    "owner": _owner,
    "lifecycle": _lifecycle,
    "id": _id,
    "external_ids": _external,
    "custom": _custom,
}


def _keys(made: Wish, emails: Sequence[AddressInput], phones: Sequence[AddressInput]) -> Iterable[Lookup]:
    """From the surest to the least sure."""
    if made.contact_id:
        yield ID, str(made.contact_id)
    for system, value in made.members.get("external_ids", {}).items():
        yield EXTERNAL + system, value
    for each in emails:
        if normal := normalise.email(each.value, "", Problems()):
            yield EMAIL, normal.lower()
    for each in phones:
        if each.value.startswith("+"):
            yield PHONE, each.value


def international(value: str, country: str | None) -> str:
    """A phone number as E.164 where it can be read, else as it is."""
    if _PLUS.match(value):
        return normalise.phone(_PLUS.sub("+", value), "", Problems()) or value
    if not country:
        return value
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return value
    if number.extension or not phonenumbers.is_possible_number(number):
        return value
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
