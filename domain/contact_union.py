"""What two contacts, or two lines of changes of one, are together: field by field, pure.

A field is one value (name, title, company ...), a list (e-mails, phones, tags) or a table by key (custom fields, ids
that other systems have).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

_LISTS = {"emails": "email", "phones": "phone", "tags": ""}
"""Lists, and how their primary one is called."""
_IDS, _FORMER = "external_ids", "former_ids"


def united(into: Any, other: Any, choose: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a contact, `into`, once it is `other` too; both have the members of Contact.

    Its own value stays where it has one; lists and tables are united, its own first. By choice of a field "from", the
    other's value takes its place (of a table, key by key), unless there is none; by "into", nothing is taken of it.
    "email" and "phone" choose whose primary one is the primary one; "custom.KEY" goes before "custom".
    """
    found: dict[str, Any] = {}
    for field in other.__struct_fields__:
        if field in {"subject_id", "choose", _FORMER}:
            continue
        mine, theirs, side = getattr(into, field), getattr(other, field), choose.get(field)
        if is_empty(theirs) or (side == "into" and field != "custom"):
            found[field] = mine
        elif isinstance(mine, Mapping):
            found[field] = _table(field, mine, theirs, choose)
        elif field in _LISTS and side is None:
            found[field] = _list(mine, theirs, is_first=choose.get(_LISTS[field]) == "from")
        else:
            found[field] = theirs if side == "from" or is_empty(mine) else mine
    known = (*into.former_ids, *into.external_ids.items(), *other.former_ids, *other.external_ids.items())
    own = set(found[_IDS].items())
    found[_FORMER] = tuple(dict.fromkeys(pair for pair in known if pair not in own))
    return found


def is_empty(value: Any) -> bool:
    """Whether a field holds nothing."""
    if isinstance(value, Struct):
        return all(part is None for part in structs.astuple(value))
    return value is None or (isinstance(value, str | tuple | Mapping) and not value)


def rebased(before: Any, after: Any, other: Any) -> Any:
    """What `other` becomes by the change that made `after` of `before`: of lists and tables only what changed."""
    if other == before:
        return after
    if isinstance(other, Mapping):
        kept = {key: value for key, value in other.items() if key in after or key not in before}
        return kept | {key: value for key, value in after.items() if before.get(key) != value}
    if isinstance(other, tuple):
        return _rebased_list(before, after, other)
    return after


def _table(field: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], choose: Mapping[str, str]) -> dict[str, Any]:
    found = dict(mine)
    for key, value in theirs.items():
        side = choose.get(f"{field}.{key}", choose.get(field))
        if not is_empty(value) and (side == "from" or (side is None and is_empty(mine.get(key)))):
            found[key] = value
    return found


def _list(mine: Sequence[Any], theirs: Sequence[Any], *, is_first: bool) -> tuple[Any, ...]:
    first, then = (theirs, mine) if is_first else (mine, theirs)
    known = {_key(item) for item in first}
    return _one_primary(
        (*first, *(item for item in then if _key(item) not in known)), _primary(first) or _primary(then)
    )


def _rebased_list(before: Sequence[Any], after: Sequence[Any], other: Sequence[Any]) -> tuple[Any, ...]:
    was, is_ = {_key(item): item for item in before}, {_key(item): item for item in after}
    there = {_key(item) for item in other}
    kept = [is_.get(_key(item), item) for item in other if _key(item) in is_ or _key(item) not in was]
    found = (*kept, *(item for key, item in is_.items() if key not in was and key not in there))
    left = {_key(item) for item in found}
    primary = next((key for key in (_primary(after), _primary(other)) if key in left), None)
    return _one_primary(found, primary)


def _key(item: Any) -> Any:
    """What makes two items of a list the same: the address, whatever it is called; a tag in any case."""
    value = getattr(item, "value", item)
    return value.casefold() if isinstance(value, str) else value


def _primary(items: Sequence[Any]) -> Any:
    return next((_key(item) for item in items if getattr(item, "primary", False)), None)


def _one_primary(items: Sequence[Any], primary: Any) -> tuple[Any, ...]:
    """The items, the primary one first; what knows of no primary stays as it is."""
    if not any(hasattr(item, "primary") for item in items):
        return tuple(items)
    chosen = _key(items[0]) if primary is None else primary
    marked = [structs.replace(item, primary=_key(item) == chosen) for item in items]
    return tuple(sorted(marked, key=lambda item: not item.primary))
