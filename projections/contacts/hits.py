"""Contacts that were found, as the hits that they are: the same whoever found them."""

from projections.contacts import filters as contact_filters
from projections.contacts.closeness import explain
from projections.contacts.rows import Searchable
from projections.contacts.search import Hit, Sought
from projections.contacts.text import ContactText, asked


def explained(sought: Sought, contact: Searchable) -> Hit:
    """A contact with its score (0 when it does not fit the text), what it was found by, and where it stands."""
    text = contact.text or ContactText()
    score = 1.0
    matched: tuple[str, ...] = ()
    if sought.text is not None:
        score, matched = explain(
            asked(sought.text), text.without(sought.within.hidden), split_too=not sought.within.hidden
        )
    return Hit(contact.id, score, _with_conditions(sought, contact, matched), _place(sought, contact))


def completed(sought: Sought, contact: Searchable, score: float, matched: tuple[str, ...]) -> Hit:
    """The same for one that a store has scored itself."""
    return Hit(contact.id, score, _with_conditions(sought, contact, matched), _place(sought, contact))


def _with_conditions(sought: Sought, contact: Searchable, matched: tuple[str, ...]) -> tuple[str, ...]:
    if sought.where is None:
        return matched
    text = contact.text or ContactText()
    return tuple(dict.fromkeys((*matched, *contact_filters.matched(sought.where, contact.values, text))))


def _place(sought: Sought, contact: Searchable) -> contact_filters.Place | None:
    return contact_filters.place(sought.order, contact.values) if sought.order else None
