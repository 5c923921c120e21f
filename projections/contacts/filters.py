"""Conditions on contacts, as trees that every search store makes its own query of; and what they mean."""

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from projections.contacts.text import ContactText
from projections.contacts.values import Values, tokens


class Is(Struct, frozen=True, tag="is"):
    """The field has a value that is among these."""

    field: str
    values: tuple[str, ...]


class Has(Struct, frozen=True, tag="has"):
    """The field has a value."""

    field: str


class Beyond(Struct, frozen=True, tag="beyond"):
    """The field's value (of one that has no more than one) is on a side of another."""

    field: str
    side: Literal["<", "<=", ">", ">="]
    value: str


class Says(Struct, frozen=True, tag="says"):
    """All of these words are in the field."""

    field: str
    words: tuple[str, ...]


class Every(Struct, frozen=True, tag="every"):
    """All of them hold."""

    parts: tuple["Condition", ...]


class Some(Struct, frozen=True, tag="some"):
    """One of them holds."""

    parts: tuple["Condition", ...]


class Not(Struct, frozen=True, tag="not"):
    """It does not hold."""

    part: "Condition"


Condition = Is | Has | Beyond | Says | Every | Some | Not

WORDED = frozenset({"name", "email", "company", "title", "phone"})
"""Fields whose words are those that the search by text goes by."""


ALWAYS = frozenset({"id", "created_at", "updated_at", "lifecycle"})
"""Fields that every contact has."""


class Order(Struct, frozen=True):
    """One key of a sort; contacts without a value come last either way."""

    field: str
    descending: bool = False


Place = tuple[str | None, ...]
"""Where a contact stands in an order: its value of each key, and its id."""


def holds(  # noqa: PLR0911  one for each kind
    condition: Condition, values: Values, text: ContactText
) -> bool:
    """Whether a condition holds for a contact."""
    match condition:
        case Is(field, wanted):
            return not set(wanted).isdisjoint(values.get(field, ()))
        case Has(field):
            return bool(values.get(field))
        case Beyond(field, side, value):
            return any(_is_beyond(found, side, value) for found in values.get(field, ())[:1])
        case Says(field, said):
            known = getattr(text, field) if field in WORDED else tokens(values.get(field, ()))
            return known.issuperset(said)
        case Every(parts):
            return all(holds(part, values, text) for part in parts)
        case Some(parts):
            return any(holds(part, values, text) for part in parts)
        case Not(part):
            return not holds(part, values, text)


def fields(condition: Condition) -> Iterator[str]:
    """The fields that a condition is about."""
    match condition:
        case Every(parts) | Some(parts):
            for part in parts:
                yield from fields(part)
        case Not(part):
            yield from fields(part)
        case _:
            yield condition.field


def matched(condition: Condition, values: Values, text: ContactText) -> tuple[str, ...]:
    """The fields by which a condition holds: of alternatives, those of the ones that do."""
    parts = condition.parts if isinstance(condition, Some) else (condition,)
    return tuple(dict.fromkeys(name for part in parts if holds(part, values, text) for name in fields(part)))


def place(order: tuple[Order, ...], values: Values) -> Place:
    """Where a contact with these values (its id among them) stands."""
    return (*(next(iter(values.get(key.field, ())), None) for key in order), values["id"][0])


def after(order: tuple[Order, ...], at: Place) -> Condition:
    """What holds for contacts that come after a place."""
    keys = keys_of(order)
    found: list[Condition] = []
    for number, key in enumerate(keys):
        if (here := _past(key, at[number])) is not None:
            before = [_level(one, value) for one, value in zip(keys[:number], at[:number], strict=True)]
            found.append(Every((*before, here)) if before else here)
    first, value = keys[0], at[0]
    if value is None or first.field not in ALWAYS:
        return Some(tuple(found))
    # Says nothing new, and lets an index begin there.
    return Every((Beyond(first.field, "<=" if first.descending else ">=", value), Some(tuple(found))))


def keys_of(order: tuple[Order, ...]) -> tuple[Order, ...]:
    """The keys of an order with the id, which settles the rest."""
    return (*order, Order("id", order[-1].descending if order else False))


def sorting_key(order: tuple[Order, ...], at: Place) -> tuple[Any, ...]:
    """A key that sorts places as stores do."""
    return tuple(
        (value is None, (*(-ord(letter) for letter in value or ""), 1) if key.descending else value or "")
        for key, value in zip(keys_of(order), at, strict=True)
    )


def _past(key: Order, value: str | None) -> Condition | None:
    if value is None:
        return None  # last already
    beyond = Beyond(key.field, "<" if key.descending else ">", value)
    return beyond if key.field in ALWAYS else Some((beyond, Not(Has(key.field))))


def _level(key: Order, value: str | None) -> Condition:
    return Not(Has(key.field)) if value is None else Is(key.field, (value,))


def _is_beyond(found: str, side: str, value: str) -> bool:
    match side:
        case "<":
            return found < value
        case "<=":
            return found <= value
        case ">":
            return found > value
        case _:
            return found >= value
