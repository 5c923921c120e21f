"""What agreement is worth: how probable it is that two contacts are one person (Fellegi and Sunter, 1969).

Two contacts are the same person, two people who belong together (a family, colleagues, neighbours), or strangers. For
each the model says how probable each level of agreement is. People who belong together share a phone or an address as
one person does, but not the given name and the birthday: without them, two sisters would be one person.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import exp, log

from msgspec import Struct

from projections.matching.compare import EXACT, LEVELS, MISSING, levels
from projections.matching.person import FAMILY, GIVEN, Person


class Odds(Struct, frozen=True):
    """Of one field: probabilities of the four levels for the same person and for strangers.

    `shared` is the share of people who belong together and have it in common as one person has.
    """

    same: tuple[float, ...]
    strangers: tuple[float, ...]
    shared: float


class Model(Struct, frozen=True):
    """What scores are made with: the odds by field, how common the common values are, and how many pairs are what.

    `same` and `related` are the shares among all pairs of a tenant's contacts. `common` has the share of contacts by
    digest of a value, for values that more than a few have.
    """

    fields: tuple[str, ...]
    odds: tuple[Odds, ...]
    same: float
    related: float
    common: Mapping[str, Mapping[int, float]] = {}


class Part(Struct, frozen=True):
    """What a field says about two contacts.

    `same`, `related` and `strangers` are logarithms of how probable what was seen is for each.
    """

    field: str
    agreement: str
    same: float
    related: float
    strangers: float

    @property
    def weight(self) -> float:
        """Bits for (or, below 0, against) one person rather than two strangers."""
        return (self.same - self.strangers) / log(2)


_SAME = {
    GIVEN: (0.80, 0.12, 0.04, 0.04),
    FAMILY: (0.80, 0.11, 0.03, 0.06),
    "email": (0.72, 0.06, 0.04, 0.18),
    "phone": (0.80, 0.06, 0.02, 0.12),
    "company": (0.70, 0.12, 0.06, 0.12),
}
_STRANGERS = {
    GIVEN: (0.006, 0.006, 0.03, 0.958),
    FAMILY: (0.002, 0.003, 0.015, 0.98),
    "email": (1e-5, 1e-5, 2e-4, 0.99978),
    "phone": (2e-5, 1e-5, 1e-4, 0.99987),
    "company": (0.01, 0.004, 0.01, 0.976),
}
_SHARED = {GIVEN: 0.05, FAMILY: 0.6, "email": 0.15, "phone": 0.5, "company": 0.7}
_OTHER_SAME, _OTHER_STRANGERS, _OTHER_SHARED = (0.75, 0.13, 0.04, 0.08), (0.01, 0.006, 0.02, 0.964), 0.5
BY_CHANCE = {"email": 0.02, "phone": 0.04}
"""How many others have one's address by chance: hardly anybody, however many contacts there are."""
OWN_SHARED = 0.04
"""How often people who belong together share what is a person's own, like a birthday: twins do."""

_AT_LEAST = 2000
"""In smaller tenants a pair is as seldom one person as in one of so many contacts."""
_DUPLICATES, _RELATIONS = 0.15, 0.3
"""Pairs of each kind a contact, before any were counted."""


def digest(value: str) -> int:
    """What a value is counted by."""
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), signed=True)


def fields_of(keys: Sequence[str]) -> tuple[str, ...]:
    """The fields that match keys are compared by: `name` is two."""
    return tuple(field for key in keys for field in ((GIVEN, FAMILY) if key == "name" else (key,)))


def at_least(contacts: int) -> int:
    """What counts as the number of a tenant's contacts."""
    return max(contacts, _AT_LEAST)


def pairs(contacts: int) -> float:
    """How many pairs there are, at least those of a tenant that is not all too small."""
    count = at_least(contacts)
    return count * (count - 1) / 2


def default(keys: Sequence[str], contacts: int = 0) -> Model:
    """The model before anything is known of a tenant's contacts."""
    fields = fields_of(keys)
    odds = tuple(
        Odds(_SAME.get(field, _OTHER_SAME), _STRANGERS.get(field, _OTHER_STRANGERS), _SHARED.get(field, _OTHER_SHARED))
        for field in fields
    )
    count = at_least(contacts)
    return Model(fields, odds, _DUPLICATES * count / pairs(contacts), _RELATIONS * count / pairs(contacts))


def compare(model: Model, one: Person, other: Person) -> list[Part]:
    """What each field says; those that one of the two lacks say nothing."""
    parts = []
    for field, odds, level in zip(model.fields, model.odds, levels(model.fields, one, other), strict=True):
        if level == MISSING:
            continue
        same, strangers = odds.same[level], odds.strangers[level]
        if level == EXACT:
            strangers = commonness(model, field, one, other, strangers)
            same = max(same, strangers)
        related = odds.shared * same + (1 - odds.shared) * strangers
        parts.append(Part(field, LEVELS[level], log(same), log(related), log(strangers)))
    return parts


def commonness(model: Model, field: str, one: Person, other: Person, usual: float) -> float:
    """How probable it is that strangers share what these two share: the rarest value that both have."""
    common = model.common.get(field)
    if not common:
        return usual
    both = set(one.values.get(field, ())) & set(other.values.get(field, ()))
    return min((common.get(digest(value), usual) for value in both), default=usual)


def probability(model: Model, parts: Sequence[Part]) -> float:
    """How probable it is that two contacts of which the parts are known are one person."""
    same, related, strangers = log(model.same), log(model.related), left(1 - model.same - model.related)
    for part in parts:
        same += part.same
        related += part.related
        strangers += part.strangers
    return 1 / (1 + _bounded(related - same) + _bounded(strangers - same))


def left(share: float) -> float:
    """The logarithm of what is left of 1, if anything is."""
    return log(max(share, 1e-9))


def _bounded(exponent: float) -> float:
    return exp(min(exponent, 700.0))
