"""How far two values of a field agree: one of four levels, by the mistakes that people make in that kind of field."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from projections.contacts.nicknames import also_called
from projections.matching.person import FAMILY, GIVEN, Person
from projections.matching.sounds import sound

EXACT, CLOSE, PARTIAL, DIFFERENT = range(4)
LEVELS = ("exact", "close", "partial", "different")
MISSING = -1
"""One of the two has no value: says nothing either way."""

_SHORT = 3
_LONG = 6


def levels(fields: Sequence[str], one: Person, other: Person) -> list[int]:
    """A level for each field, or MISSING. The order of the two makes no difference."""
    a, b = one.values, other.values
    found = []
    for field in fields:
        if field == GIVEN:
            given, family = name_levels(a.get(GIVEN), a.get(FAMILY), b.get(GIVEN), b.get(FAMILY))
            found += [given, family]
        elif field == "email":
            found.append(_emails(one, other))
        elif field != FAMILY:
            mine, theirs = a.get(field), b.get(field)
            found.append(_best(_COMPARATORS.get(field, value_level), mine, theirs) if mine and theirs else MISSING)
    return found


def _best(compare: Callable[[str, str], int], mine: Sequence[str], theirs: Sequence[str]) -> int:
    if not set(mine).isdisjoint(theirs):
        return EXACT
    return min(compare(*sorted((x, y))) for x in mine for y in theirs)


def _emails(one: Person, other: Person) -> int:
    """Of addresses; one called like its owner, elsewhere or beside a like one, says no more than the name does."""
    mine, theirs = one.values.get("email"), other.values.get("email")
    if not mine or not theirs:
        return MISSING
    level = _best(email_level, mine, theirs)
    elsewhere = not {_domain(x) for x in mine} & {_domain(y) for y in theirs}
    if level in (CLOSE, PARTIAL):
        named = _named_after(one, mine), _named_after(other, theirs)
        if any(named) if elsewhere else all(named):
            return MISSING
    return level


def _named_after(owner: Person, emails: Sequence[str]) -> bool:
    names = [name for field in (GIVEN, FAMILY) for name in owner.values.get(field, ()) if len(name) >= _SHORT]
    return any(name.replace(" ", "") in email for name in names for email in emails)


def _domain(email: str) -> str:
    return email.rpartition("@")[2]


def name_levels(
    given: tuple[str, ...] | None,
    family: tuple[str, ...] | None,
    other_given: tuple[str, ...] | None,
    other_family: tuple[str, ...] | None,
) -> tuple[int, int]:
    """Levels of given and family name. Names that are swapped agree one level less; one name alone finds its like."""
    one = (given[0] if given else "", family[0] if family else "")
    other = (other_given[0] if other_given else "", other_family[0] if other_family else "")
    straight = (_word(one[0], other[0]), _word(one[1], other[1]))
    if straight[0] in (EXACT, CLOSE) or straight[1] in (EXACT, CLOSE):
        return straight
    crossed = (_word(one[0], other[1]), _word(one[1], other[0]))
    best = [level for level in crossed if level != MISSING]
    if not best or min(best) > CLOSE:
        return straight
    if all(one) and all(other):
        # Whoever comes first: the one that agrees more is the family's. Where only one does, the other is different.
        return (max(crossed) + 1 if max(crossed) <= PARTIAL else DIFFERENT), min(crossed) + 1
    # One of them has only one name, and it stands where the other has the other one.
    return (MISSING, min(best)) if not (one[0] and other[0]) else (min(best), MISSING)


def _word(one: str, other: str) -> int:
    if not one or not other:
        return MISSING
    return EXACT if one == other else name_level(*sorted((one, other)))


@lru_cache(maxsize=16_384)
def name_level(one: str, other: str) -> int:
    """Of two words of a name that are not the same."""
    shorter, longer = sorted((one.replace(" ", ""), other.replace(" ", "")), key=len)
    if len(shorter) == 1 and shorter != longer:
        return PARTIAL if longer[0] == shorter else DIFFERENT
    similar = JaroWinkler.similarity(shorter, longer)
    if (
        shorter == longer
        or one in also_called(other)
        or (len(shorter) > _SHORT and OSA.distance(shorter, longer, score_cutoff=1) <= 1)
        or similar >= 0.93  # noqa: PLR2004
        or _some_left_out(one, other)
    ):
        return CLOSE
    if similar >= 0.86 or OSA.distance(shorter, longer) <= (len(longer) + 1) // 4 or sound(one) == sound(other) != "":  # noqa: PLR2004
        return PARTIAL
    return DIFFERENT


def _some_left_out(one: str, other: str) -> bool:
    """Whether one of them has some of the other's several names."""
    return (" " in one or " " in other) and not set(one.split()).isdisjoint(other.split())


def email_level(one: str, other: str) -> int:
    """Of two addresses that are not the same: a typo is close; the same mailbox elsewhere agrees in part."""
    (mine, _, domain), (theirs, _, other_domain) = one.rpartition("@"), other.rpartition("@")
    mine, theirs = (local.partition("+")[0].replace(".", "") for local in (mine, theirs))
    if mine == theirs:
        return CLOSE if len(mine) >= _LONG or domain == other_domain else PARTIAL
    if OSA.distance(one, other, score_cutoff=2) <= (1 if len(mine) < _LONG else 2):
        # info1@ and info2@ are two, and so are short names that differ in a letter.
        return CLOSE if min(len(mine), len(theirs)) > _SHORT and _letters(mine) != _letters(theirs) else PARTIAL
    return PARTIAL if domain == other_domain and JaroWinkler.similarity(mine, theirs) >= 0.92 else DIFFERENT  # noqa: PLR2004


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha())


def digits_level(one: str, other: str) -> int:
    """Of two numbers that are not the same: a digit wrong, left out or swapped is close, two agree in part."""
    longer = max(len(one), len(other))
    distance = OSA.distance(one, other, score_cutoff=2)
    if distance <= 1 and longer > _SHORT:
        return CLOSE
    return PARTIAL if distance <= 2 and longer >= _LONG else DIFFERENT  # noqa: PLR2004


@lru_cache(maxsize=16_384)
def text_level(one: str, other: str) -> int:
    """Of two texts that are not the same: typos, spaces, the order of words, words left out."""
    a, b = one.replace(" ", ""), other.replace(" ", "")
    if a == b:
        return CLOSE
    shorter = min(len(a), len(b))
    if shorter <= _SHORT:
        return DIFFERENT
    similar = max(fuzz.ratio(a, b), fuzz.token_sort_ratio(one, other))
    if similar >= 86 or OSA.distance(a, b, score_cutoff=1) <= 1:  # noqa: PLR2004
        return CLOSE
    mine, theirs = set(one.split()), set(other.split())
    return PARTIAL if similar >= 70 or mine <= theirs or theirs <= mine else DIFFERENT  # noqa: PLR2004


def value_level(one: str, other: str) -> int:
    """Of two values of a custom field that are not the same, by what they look like."""
    if one.isdecimal() and other.isdecimal():
        if len(one) == len(other) == 8 and one[:4] == other[:4] and one[4:6] == other[6:] and one[6:] == other[4:6]:  # noqa: PLR2004
            return CLOSE  # day and month swapped
        return digits_level(one, other)
    return text_level(one, other)


_COMPARATORS: dict[str, Callable[[str, str], int]] = {
    "email": email_level,
    "phone": digits_level,
    "company": text_level,
}
