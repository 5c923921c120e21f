"""What is personal in an event: marked where the member is declared, sealed wherever it is stored."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, inspect

T = TypeVar("T")

Personal = Annotated[T, Meta(extra={"personal": True})]
"""A member that says something about a person. Ids, status, owner, type, channel and times are never personal: what
is counted and linked by outlives the person's erasure."""


def blanks(kind: type[Struct]) -> Mapping[str, Any]:
    """The personal members of a struct, each with what is shown once its key is destroyed, as JSON values.

    Raises:
        TypeError: a mark stands where it would not be seen (inside of a member), or on what can't be blank.
    """
    info = inspect.type_info(kind)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{kind} is no struct")
    found = {}
    for field in info.fields:
        if _is_marked(field.type):
            found[field.encode_name] = _blank(field.type, f"{kind.__name__}.{field.name}")
        elif _holds_a_mark(field.type):
            raise TypeError(f"{kind.__name__}.{field.name} has a Personal part: the whole member is to be marked")
    return found


def _is_marked(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.Metadata) and bool((kind.extra or {}).get("personal"))


def _holds_a_mark(kind: Any) -> bool:
    if isinstance(kind, tuple):
        return any(_holds_a_mark(part) for part in kind)
    if not isinstance(kind, Struct):
        return False
    if isinstance(kind, inspect.Type) and _is_marked(kind):
        return True
    return any(_holds_a_mark(getattr(kind, name)) for name in kind.__struct_fields__)


def _blank(kind: inspect.Type, name: str) -> Any:
    match kind:
        case inspect.Metadata(type=inner):
            return _blank(inner, name)
        case inspect.UnionType(types=types) if any(isinstance(each, inspect.NoneType) for each in types):
            return None
        case inspect.StrType():
            return ""
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
            return []
        case inspect.DictType():
            return {}
        case inspect.StructType(fields=fields):
            return {field.encode_name: _blank(field.type, f"{name}.{field.name}") for field in fields}
        case _:
            raise TypeError(f"{name} is Personal and can't be blank: let it be None")
