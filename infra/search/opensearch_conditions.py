"""Conditions and orders as queries of OpenSearch, over the terms that opensearch_schema makes of a contact's values."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from infra.search.opensearch_schema import TIMES, field_term, micros, salt, value_term, word_term
from projections.contacts.filters import (
    WORDED,
    Beyond,
    Condition,
    Every,
    Has,
    Is,
    Not,
    Order,
    Place,
    Says,
    Some,
    keys_of,
)
from projections.contacts.values import CUSTOM

Body = dict[str, Any]

_SIDES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def clause(tenant_id: UUID, condition: Condition) -> Body:  # noqa: PLR0911  one for each kind
    """A query that matches the documents for which a condition holds."""
    match condition:
        case Every(parts):
            return {"bool": {"filter": [clause(tenant_id, part) for part in parts]}}
        case Some(parts):
            if not parts:
                return {"match_none": {}}
            return {"bool": {"should": [clause(tenant_id, part) for part in parts], "minimum_should_match": 1}}
        case Not(part):
            return {"bool": {"must_not": [clause(tenant_id, part)]}}
        case Is(field, values):
            return {"terms": _values(tenant_id, field, values)}
        case Has(field) if field in TIMES:
            return {"exists": {"field": field}}
        case Has(field):
            return {"term": {"terms": field_term(tenant_id, field)}}
        case Beyond(field, side, value):
            return {"range": _range(tenant_id, field, _SIDES[side], value)}
        case Says(field, words):
            return {"bool": {"filter": [{"term": _word(tenant_id, field, word)} for word in words]}}


def sort(order: Sequence[Order]) -> list[Body]:
    """An order; contacts without a value come last either way."""
    return [_key(key) for key in keys_of(tuple(order))]


def search_after(order: Sequence[Order], at: Place) -> list[Any] | None:
    """A place for OpenSearch to go on from; None when it has to be told by a condition, because a value is missing."""
    if None in at:
        return None
    keys = keys_of(tuple(order))
    return [micros(value) if key.field in TIMES else value for key, value in zip(keys, at, strict=True) if value]


def _key(key: Order) -> Body:
    how: Body = {"order": "desc" if key.descending else "asc"}
    if key.field == "id" or key.field in TIMES:
        return {key.field: how}
    how["missing"] = "_last"
    if key.field.startswith(CUSTOM):
        name = key.field.removeprefix(CUSTOM)
        how["nested"] = {"path": "custom", "filter": {"term": {"custom.key": name}}}
        return {"custom.value": how}
    return {f"sort.{key.field}": how}


def _values(tenant_id: UUID, field: str, values: Sequence[str]) -> Body:
    if field == "id":
        return {"id": list(values)}
    if field in TIMES:
        return {field: [micros(value) for value in values]}
    return {"terms": [value_term(tenant_id, field, value) for value in values]}


def _word(tenant_id: UUID, field: str, word: str) -> Body:
    return {field: salt(tenant_id) + word} if field in WORDED else {"terms": word_term(tenant_id, field, word)}


def _range(tenant_id: UUID, field: str, side: str, value: str) -> Body:
    if field == "id":
        return {"id": {side: value}}
    if field in TIMES:
        return {field: {side: micros(value)}}
    bounds = {side: value_term(tenant_id, field, value)}
    # Among the terms of this field only.
    if side in {"lt", "lte"}:
        bounds["gte"] = value_term(tenant_id, field, "")
    else:
        bounds["lt"] = value_term(tenant_id, field, "\U0010ffff")
    return {"terms": bounds}
