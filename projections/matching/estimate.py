"""Learns a tenant's model from its own contacts: no pair has to be labelled by hand.

How often strangers agree is counted in pairs drawn blindly. The rest is estimated by expectation maximisation over the
pairs that share a key, with what is usual as a prior, so that little data changes little.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import exp, log
from random import Random

from msgspec import Struct

from projections.matching import weights
from projections.matching.compare import DIFFERENT, EXACT, LEVELS, MISSING, levels
from projections.matching.person import GIVEN, Person, day
from projections.matching.weights import Model, Odds

_BLIND_PAIRS = 25_000
_ROUNDS = 15
_PRIOR = 40.0
"""Pairs that what is usual counts for."""
_BLIND_PRIOR = 300.0
_COUNTED_FROM = 2
_MOST_COMMON = 3000
_SHARED_PRIOR = 20.0
_MOST_DIFFERENT = 0.4
_KNOWN = 0.02
"""How much the usual numbers of pairs of each kind count."""
_LEAST_RELATED = 0.05
_LEAST_SHARED = 0.03
"""Where all who belong together are colleagues there may still be a couple with one name and mailbox."""
_OWN_PRIOR, _LEAST_OWN = 100.0, 0.002


class _Pattern(Struct):
    """Pairs that agree at the same levels: how many, and the sum of the logarithms of strangers' chances by field."""

    count: float
    strangers: list[float]


def common_values(fields: Sequence[str], people: Sequence[Person]) -> dict[str, dict[int, float]]:
    """By field, the share of contacts by digest of a value: of values that several have."""
    found = {}
    for field in fields:
        counts: Counter[str] = Counter(value for person in people for value in person.values.get(field, ()))
        held = sum(1 for person in people if field in person.values)
        by_chance = weights.BY_CHANCE.get(field, 1.0)
        # One contact may be there twice: what two have is as rare as what one has.
        found[field] = {
            weights.digest(value): min(count, by_chance * count**2) / held
            for value, count in counts.most_common(_MOST_COMMON)
            if count > _COUNTED_FROM
        }
    return found


def estimate(
    keys: Sequence[str],
    people: Sequence[Person],
    candidates: Sequence[tuple[Person, Person]],
    *,
    contacts: int,
    share: float = 1.0,
) -> Model:
    """A model of a tenant with so many `contacts`, from some of them and from pairs of them that share a key.

    `share` is how much of all pairs that share a key these are. The same arguments give the same model.
    """
    start = weights.default(keys, contacts)
    strangers = _strangers(start, people, contacts)
    common = common_values(start.fields, people)
    own = _own(start.fields, people)
    odds = tuple(
        Odds(each.same, seen, weights.OWN_SHARED if field in own else each.shared)
        for field, each, seen in zip(start.fields, start.odds, strangers, strict=True)
    )
    model = Model(start.fields, odds, start.same, start.related, common)
    patterns = _patterns(model, candidates)
    for _ in range(_ROUNDS if patterns else 0):
        model = _improved(model, start, patterns, own, weights.pairs(contacts), share)
    return model


def _own(fields: Sequence[str], people: Sequence[Person]) -> frozenset[str]:
    """Fields that say who somebody is, whoever they live and work with: the given name, and dates (of birth)."""
    found = {GIVEN}
    for field in fields:
        values = [value for person in people for value in person.values.get(field, ())]
        if field.startswith("custom.") and values and sum(day(v) == v for v in values) > len(values) / 2:
            found.add(field)
    return frozenset(found & set(fields))


def _strangers(start: Model, people: Sequence[Person], contacts: int) -> list[tuple[float, ...]]:
    """How often two who are drawn blindly agree, by field and level."""
    random = Random(7)  # noqa: S311  nothing is secret here, and it has to be the same each time
    seen = [[0.0] * len(LEVELS) for _ in start.fields]
    if len(people) > 1:
        for _ in range(min(_BLIND_PAIRS, len(people) * 20)):
            one, other = random.choice(people), random.choice(people)
            if one is other:
                continue
            for number, level in enumerate(levels(start.fields, one, other)):
                if level != MISSING:
                    seen[number][level] += 1
    found = []
    for counts, usual, field in zip(seen, start.odds, start.fields, strict=True):
        # Common values have their own chances.
        counts[EXACT] = _rare(field, people) * sum(counts)
        total = sum(counts) + _BLIND_PRIOR
        # What was never seen in so many pairs may still be as frequent as one in twice as many.
        least = 0.5 / total
        seldom = [max(least, (c + _BLIND_PRIOR * u) / total) for c, u in zip(counts, usual.strangers, strict=True)]
        if field in weights.BY_CHANCE:
            seldom[EXACT] = weights.BY_CHANCE[field] / weights.at_least(contacts)
        found.append(tuple(seldom))
    return found


def _rare(field: str, people: Sequence[Person]) -> float:
    """How probable it is that a stranger has a value too which is not among the common ones."""
    held = sum(field in person.values for person in people)
    return 1 / held if held else 0.0


def _patterns(model: Model, candidates: Iterable[tuple[Person, Person]]) -> dict[tuple[int, ...], _Pattern]:
    found: dict[tuple[int, ...], _Pattern] = {}
    for one, other in candidates:
        pattern = tuple(levels(model.fields, one, other))
        held = found.get(pattern)
        if held is None:
            held = found[pattern] = _Pattern(0, [0.0] * len(pattern))
        held.count += 1
        for number, level in enumerate(pattern):
            if level == EXACT:
                odds = model.odds[number].strangers[EXACT]
                field = model.fields[number]
                held.strangers[number] += log(weights.commonness(model, field, one, other, odds))
            elif level != MISSING:
                held.strangers[number] += log(model.odds[number].strangers[level])
    for held in found.values():
        held.strangers = [total / held.count for total in held.strangers]
    return found


class _Tally:
    """What one round counts: by field, the levels of the same person, and how much the related have in common."""

    def __init__(self, start: Model) -> None:
        self.levels = [[_PRIOR * p for p in usual.same] for usual in start.odds]
        self.common = [[_SHARED_PRIOR * usual.shared, _SHARED_PRIOR] for usual in start.odds]
        self.same = self.related = 0.0

    def add(self, model: Model, pattern: tuple[int, ...], held: _Pattern) -> None:
        """Pairs of one pattern, each kind by how probable it is that they are of it."""
        same, related, strangers = log(model.same), log(model.related), weights.left(1 - model.same - model.related)
        in_common: list[tuple[int, float]] = []
        for number, (level, by_chance) in enumerate(zip(pattern, held.strangers, strict=True)):
            if level == MISSING:
                continue
            odds, chance = model.odds[number], exp(by_chance)
            as_one = max(odds.same[level], chance) if level == EXACT else odds.same[level]
            as_related = odds.shared * as_one + (1 - odds.shared) * chance
            in_common.append((number, odds.shared * as_one / as_related))
            same, related, strangers = same + log(as_one), related + log(as_related), strangers + by_chance
        most = max(same, related, strangers)
        parts = exp(same - most), exp(related - most), exp(strangers - most)
        is_same, is_related = (held.count * part / sum(parts) for part in parts[:2])
        self.same += is_same
        self.related += is_related
        for number, part in in_common:
            self.levels[number][pattern[number]] += is_same
            self.common[number][0] += is_related * part
            self.common[number][1] += is_related


def _improved(
    model: Model,
    start: Model,
    patterns: Mapping[tuple[int, ...], _Pattern],
    own: Collection[str],
    pairs: float,
    share: float,
) -> Model:
    """One round: how probable each kind is for each pattern, then the odds that make that most probable."""
    tally = _Tally(start)
    for pattern, held in patterns.items():
        tally.add(model, pattern, held)
    # The given name tells the same from the related: if it followed the data alone, families would become one person.
    if GIVEN in model.fields:
        number = model.fields.index(GIVEN)
        usual = start.odds[number].same
        tally.levels[number] = [n + tally.same * p for n, p in zip(tally.levels[number], usual, strict=True)]
    odds = tuple(
        Odds(_plausible(counts), old.strangers, _shared(field, own, part, total, old.shared))
        for field, counts, (part, total), old in zip(model.fields, tally.levels, tally.common, model.odds, strict=True)
    )
    same = (tally.same / share + start.same * pairs * _KNOWN) / pairs
    related = max((tally.related / share + start.related * pairs * _KNOWN) / pairs, same * _LEAST_RELATED)
    return Model(model.fields, odds, min(same, 0.1), min(related, 0.3), model.common)


def _shared(field: str, own: Collection[str], part: float, total: float, usual: float) -> float:
    """How often those who belong together have a field in common, as far as that can be learnt.

    Without anything that is a person's own, they can't be told from who is the same. What is somebody's own, a name
    that goes from father to son or the birthday of twins, shows by what else is. It is never more than usual: where
    hardly anybody belongs together, those who are the same with mistakes would pass for it.
    """
    if field not in own:
        return max(_LEAST_SHARED, part / total) if own else usual
    if len(own) == 1:
        return usual
    seen = (part + _OWN_PRIOR * weights.OWN_SHARED) / (total + _OWN_PRIOR)
    return min(weights.OWN_SHARED, max(_LEAST_OWN, seen))


def _plausible(counts: Sequence[float]) -> tuple[float, ...]:
    """Shares of the levels for the same person, of whom no more than so many change a value altogether."""
    total = sum(counts)
    shares = [count / total for count in counts]
    if shares[DIFFERENT] <= _MOST_DIFFERENT:
        return tuple(shares)
    rest = (1 - _MOST_DIFFERENT) / (1 - shares[DIFFERENT])
    return (*(share * rest for share in shares[:DIFFERENT]), _MOST_DIFFERENT)
