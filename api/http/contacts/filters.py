"""The filters and orders of a search of contacts, from how clients write them; everything that is wrong is told."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from api.http.contacts.filter_values import ALLOWED, READ, Fields, Kind, Operator
from commands.normalise import Problems
from commands.visible import View
from projections.contacts.filters import Beyond, Condition, Every, Has, Is, Not, Order, Says, Some
from projections.contacts.text import phone_word, words

MOST_GROUPS = 5
MOST_FILTERS = 10
MOST_VALUES = 100
MOST_KEYS = 3


class Filter(Struct, forbid_unknown_fields=True):
    """One comparison: HAS and NOT_HAS need no value, IN and NOT_IN `values`, BETWEEN `high_value` too, the rest one."""

    field: str
    operator: Operator
    value: str | float | bool | None = None
    high_value: str | float | None = None
    values: list[str | float | bool] | None = None


class FilterGroup(Struct, forbid_unknown_fields=True):
    """Filters that must all hold."""

    filters: list[Filter]


class SortDirection(StrEnum):
    """Which way a sort goes."""

    ASC = "asc"
    DESC = "desc"


class SortKey(Struct, forbid_unknown_fields=True):
    """A field to sort by; contacts without a value come last either way."""

    field: str
    direction: SortDirection = SortDirection.ASC


_RULED_AS = {"given": "name", "family": "name"}
_UNSORTED = frozenset({Kind.TAGS, Kind.SEVERAL})
_SIDES: Mapping[Operator, Literal["<", "<=", ">", ">="]] = {
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
}
_NEEDS: Mapping[Operator, tuple[str, ...]] = {
    Operator.BETWEEN: ("value", "high_value"),
    Operator.IN: ("values",),
    Operator.NOT_IN: ("values",),
    Operator.HAS: (),
    Operator.NOT_HAS: (),
}


class Reader:
    """Reads the filters and orders of one body; `problems` collects what is wrong with them."""

    def __init__(self, fields: Fields, view: View, problems: Problems) -> None:
        self._fields = fields
        self._view = view
        self._problems = problems
        self.named: list[UUID] = []
        """Ids of other records that were read."""

    def condition(self, groups: Sequence[FilterGroup | None]) -> Condition | None:
        """The groups as a condition; None where there are none."""
        self._bound(groups, "/filter_groups", MOST_GROUPS)
        found = [self._group(group, f"/filter_groups/{at}") for at, group in enumerate(groups) if group]
        return Some(tuple(found)) if found else None

    def order(self, keys: Sequence[SortKey | None]) -> tuple[Order, ...]:
        """The keys of a sort."""
        self._bound(keys, "/sort", MOST_KEYS)
        found: list[Order] = []
        for at, key in enumerate(keys):
            if key is None:
                continue
            here = f"/sort/{at}/field"
            kind = self._kind(key.field, here)
            if kind in _UNSORTED:
                self._problems.add(here, "sort.field", "has several values, and can't be sorted by")
            elif kind and any(key.field == other.field for other in found):
                self._problems.add(here, "value.repeated", "is in the list already")
            elif kind:
                found.append(Order(key.field, key.direction is SortDirection.DESC))
        return tuple(found)

    def _group(self, group: FilterGroup, at: str) -> Condition:
        here = f"{at}/filters"
        self._bound(group.filters, here, MOST_FILTERS)
        if not group.filters:
            self._problems.add(here, "list.empty", "is empty; a group has at least one filter")
        good: Sequence[Filter | None] = group.filters
        filters = [self._filter(each, f"{here}/{n}") for n, each in enumerate(good) if each]
        return Every(tuple(each for each in filters if each is not None))

    def _filter(self, asked: Filter, at: str) -> Condition | None:
        kind = self._kind(asked.field, f"{at}/field")
        if kind is None:
            return None
        if asked.operator not in ALLOWED[kind]:
            allowed = ", ".join(each for each in Operator if each in ALLOWED[kind])
            self._problems.add(f"{at}/operator", "filter.operator", f"does not go with this field; these do: {allowed}")
            return None
        values = self._values(asked, kind, at)
        return None if values is None else _condition(asked.field, asked.operator, values)

    def _kind(self, field: str, at: str) -> Kind | None:
        if self._view.hides(_RULED_AS.get(field, field)):
            self._problems.add(at, "field.hidden", "is about a field that your roles hide")
            return None
        if field not in self._fields:
            known = ", ".join(name for name in self._fields if not self._view.hides(_RULED_AS.get(name, name)))
            self._problems.add(at, "filter.field", f"is no field to search by; these are: {known}")
        return self._fields.get(field)

    def _values(self, asked: Filter, kind: Kind, at: str) -> list[str] | None:
        """The values to compare with, in the form that is compared."""
        needed = _NEEDS.get(asked.operator, ("value",))
        good = True
        for member in ("value", "high_value", "values"):
            is_given = getattr(asked, member) is not None
            if is_given != (member in needed):
                good = False
                code, message = (
                    ("field.unknown", f"does not go with {asked.operator}; leave it out")
                    if is_given
                    else ("field.required", f"is missing; {asked.operator} needs it")
                )
                self._problems.add(f"{at}/{member}", code, message)
        if not good:
            return None
        given = [(f"{at}/{member}", getattr(asked, member)) for member in needed]
        if needed == ("values",):
            listed: list[Any] = asked.values or []
            self._bound(listed, f"{at}/values", MOST_VALUES)
            if not listed:
                self._problems.add(f"{at}/values", "list.empty", "is empty; give at least one value")
                return None
            given = [(f"{at}/values/{n}", value) for n, value in enumerate(listed)]
        token = asked.operator is Operator.CONTAINS_TOKEN
        found = [self._tokens(value, kind, here) if token else self._value(value, kind, here) for here, value in given]
        return None if None in found else [value for value in found if value is not None]

    def _value(self, value: Any, kind: Kind, at: str) -> str | None:
        try:
            read = READ[kind](value)
        except (ValueError, OverflowError) as error:
            self._problems.add(at, "value.not_allowed" if kind is Kind.LIFECYCLE else "type.wrong", str(error))
            return None
        if kind is Kind.ID:
            self.named.append(UUID(read))
        return read

    def _tokens(self, value: Any, kind: Kind, at: str) -> str | None:
        if not isinstance(value, str):
            self._problems.add(at, "type.wrong", "must be a text")
            return None
        if not (phone_word(value) if kind is Kind.PHONES else any(words(value))):
            wanted = "at least four digits" if kind is Kind.PHONES else "a word"
            self._problems.add(at, "type.wrong", f"must have {wanted}")
            return None
        return value

    def _bound(self, items: Sequence[Any], at: str, most: int) -> None:
        if len(items) > most:
            self._problems.add(at, "list.too_long", f"has {len(items)} items; at most {most} are allowed")


def _condition(field: str, operator: Operator, values: list[str]) -> Condition:  # noqa: PLR0911  one for each operator
    match operator:
        case Operator.HAS:
            return Has(field)
        case Operator.NOT_HAS:
            return Not(Has(field))
        case Operator.EQ | Operator.IN:
            return Is(field, tuple(values))
        case Operator.NEQ | Operator.NOT_IN:
            return Not(Is(field, tuple(values)))
        case Operator.BETWEEN:
            return Every((Beyond(field, ">=", values[0]), Beyond(field, "<=", values[1])))
        case Operator.CONTAINS_TOKEN:
            said = (phone_word(values[0]),) if field == "phone" else words(values[0])
            return Says(field, tuple(dict.fromkeys(word for word in said if word)))
        case _:
            return Beyond(field, _SIDES[operator], values[0])
