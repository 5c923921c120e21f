"""Conditions as read.select_contacts_v1 and read.search_contacts_v1 take them: JSON, with words as numbers."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from projections.contacts.filters import WORDED, Beyond, Condition, Every, Has, Is, Not, Says, Some
from projections.contacts.text import FIELDS, fields_mask, phone_word, words
from projections.contacts.words import has_terms, term, word_id

Tree = dict[str, Any]

_NAMES = frozenset({"name", "given", "family"})
_MOST_WORDS = 8


def tree(tenant_id: UUID, condition: Condition) -> Tree:  # noqa: PLR0911  one for each kind
    """A condition for the functions."""
    match condition:
        case Every(parts):
            return every(tree(tenant_id, part) for part in parts)
        case Some(parts):
            return some(tree(tenant_id, part) for part in parts)
        case Not(part):
            return {"type": "not", "part": tree(tenant_id, part)}
        case Is(field, values):
            return {"type": "is", "field": field, "values": values}
        case Has(field):
            return {"type": "has", "field": field}
        case Beyond(field, side, value):
            return {"type": "beyond", "field": field, "side": side, "value": value}
        case Says(field, said) if field in WORDED:
            return every(in_field(tenant_id, word, field) for word in said)
        case Says(field, said):
            return {"type": "says", "field": field, "values": said}


def near(tenant_id: UUID, condition: Condition) -> Tree | None:
    """What is true of all for which the condition is, and of words alone; None where no words tell."""
    match condition:
        case Every(parts):
            known = [found for part in parts if (found := near(tenant_id, part))]
            return every(known) if known else None
        case Some(parts):
            each = [near(tenant_id, part) for part in parts]
            return some(found for found in each if found) if parts and all(each) else None
        case Is(field, values) if has_terms(field):
            return one_of([word_id(tenant_id, term(field, value)) for value in values])
        case Is(field, values) if field in WORDED | _NAMES:
            each = [_words_of(tenant_id, field, value) for value in values]
            return some(found for found in each if found) if all(each) else None
        case Says(field, said) if field in WORDED | _NAMES:
            return every(_word(tenant_id, word) for word in said)
        case _:
            return None


def every(parts: Iterable[Tree]) -> Tree:
    """All of them."""
    return {"type": "every", "parts": list(parts)}


def some(parts: Iterable[Tree]) -> Tree:
    """One of them."""
    return {"type": "some", "parts": list(parts)}


def one_of(numbers: Sequence[int], mask: int | None = None) -> Tree:
    """One of these words, in a field of the mask where there is one."""
    return {"type": "words", "values": [str(number) for number in numbers], "mask": mask}


def in_field(tenant_id: UUID, word: str, field: str) -> Tree:
    """A word in a field."""
    number = word_id(tenant_id, word)
    return one_of([number, number | 1], fields_mask(set(FIELDS) - {field}))


def _word(tenant_id: UUID, word: str) -> Tree:
    number = word_id(tenant_id, word)
    return one_of([number, number | 1])


def _words_of(tenant_id: UUID, field: str, value: str) -> Tree | None:
    said = [phone_word(value)] if field == "phone" else list(words(value))[:_MOST_WORDS]
    return every(_word(tenant_id, word) for word in said if word) if said and all(said) else None
