"""How close a word is to the one that was asked for, and how to look close words up without comparing all of them."""

from collections.abc import Iterable, Iterator, Sequence
from zlib import crc32

from rapidfuzz import process
from rapidfuzz.distance import OSA

from projections.contacts.dialling import at_home, from_abroad
from projections.contacts.nicknames import also_called
from projections.contacts.text import FIELDS, ContactText, end_of_phone, is_unspaced, required

EXACT_OR_BEGINNING = 0.75
"""Words that are at least this close have no typo."""

NICKNAME = 0.7
PHONE_END = 0.9
PHONE_BEGINNING = 0.85
JOINED = 0.95
SPLIT = 0.9
SPLIT_WITH_TYPO = 0.5
INITIALS = 0.6
INITIAL = 0.8
TWO_TYPOS_IN_FEW = 0.3

_TWO_PARTICLES = {
    **{"van" + last: last for last in ("de", "den", "der")},
    **{"von" + last: last for last in ("dem", "den", "der")},
    **{"de" + last: last for last in ("la", "las", "los")},
}
"""Those of family names like de la Cruz, written as one, with the second of them."""
_PREFIX = 7
_SHORTEST_SPLIT = 5
_SHORTEST_GARBLED = 8
_MOST_INITIALS = 3
_LETTERS_FOR_TWO = 6

Pieces = tuple[tuple[str, str], float]


def edits(word: str, *, loosely: bool = False) -> int:
    """How many typos are forgiven: none in short words and in numbers, one from 3 letters on, two from 6.

    Two from 4 on, `loosely`: where other words have to fit too.
    """
    if word[0] == "#" or word.isdigit():
        return 0
    return 0 if len(word) < 3 else 1 if len(word) < (4 if loosely else _LETTERS_FOR_TWO) else 2  # noqa: PLR2004


def closeness(asked: str, word: str, *, loosely: bool = False) -> float:
    """From 1 (the same) over beginnings, other names and typos (swapped neighbours count as one) to 0 (not a match)."""
    if asked[0] == "#" or word[0] == "#":
        return _of_phone(asked, word)
    if word.startswith(asked):
        return 1.0 if asked == word else EXACT_OR_BEGINNING + 0.2 * len(asked) / len(word)
    if word in also_called(asked):
        return NICKNAME
    allowed = edits(asked, loosely=loosely)
    if not allowed or not edits(word):
        return 0.0
    distance = OSA.distance(asked, word, score_cutoff=allowed)
    if distance <= allowed:
        return TWO_TYPOS_IN_FEW if distance > edits(asked) else 0.8 - 0.2 * distance
    # A word of which only the beginning was typed, with one typo in it.
    begun = len(asked) > 3 and len(word) > len(asked)  # noqa: PLR2004
    beginnings = (word[: len(asked) + more] for more in (0, 1, -1))
    return 0.4 if begun and any(OSA.distance(asked, each, score_cutoff=1) <= 1 for each in beginnings) else 0.0


def _of_phone(asked: str, word: str) -> float:
    """How close a number is: its end is written in one way, its beginning may be another's too."""
    if word == end_of_phone(asked):
        return 1.0 if asked[0] == "#" else PHONE_END
    return PHONE_BEGINNING if word in at_home(asked) else 0.0


def like(asked: str, known: Sequence[str], *, loosely: bool = False) -> list[tuple[float, str]]:
    """Those of many words that are close, and how close: the same as asking each, without asking most of them."""
    found = {word for word in known if word.startswith(asked)} | also_called(asked).intersection(known)
    if edits(asked, loosely=loosely):
        found.update(_within(2, asked, known, known))
        if len(asked) > 3:  # noqa: PLR2004
            longer = [word for word in known if len(word) > len(asked)]
            for size in (len(asked), len(asked) + 1, len(asked) - 1):
                found.update(_within(1, asked, [word[:size] for word in longer], longer))
    close = ((closeness(asked, word, loosely=loosely), word) for word in found)
    return [each for each in close if each[0]]


def _within(typos: int, asked: str, texts: Sequence[str], words: Sequence[str]) -> Iterator[str]:
    """The words whose texts are so close."""
    extracted = process.extract(asked, texts, scorer=OSA.distance, score_cutoff=typos, limit=None)
    return (words[at] for _, _, at in extracted)


def joined(asked: Sequence[str], at: int) -> Iterator[str]:
    """Words that the one at a place makes with its neighbours: "anne marie" also asks for "annemarie"."""
    for first in (at - 1, at):
        if 0 <= first < len(asked) - 1 and "#" not in asked[first] + asked[first + 1]:
            yield asked[first] + asked[first + 1]


def split(asked: Sequence[str], at: int) -> Iterator[Pieces]:
    """What else a word may stand for: two words that a contact has both of, and how close that is.

    Two that were written as one, or with another letter for what stood between them; of names with two particles,
    which are three words, the last two. Initials, which begin with "^", where there are other words too. Of scripts
    without spaces, the end of one name and the beginning of another.
    """
    word = asked[at]
    if word[0] == "#" or word.isdigit():
        return
    if len(word) == 2 and is_unspaced(word):  # noqa: PLR2004  a pair of letters
        yield (word[0], f"^{word[1]}"), SPLIT
    if len(word) >= _SHORTEST_SPLIT or word in _TWO_PARTICLES:
        for place in range(2, len(word) - 1):
            yield (word[:place], word[place:]), SPLIT
            if particle := _TWO_PARTICLES.get(word[:place]):
                yield (particle, word[place:]), SPLIT
    if len(word) >= _SHORTEST_GARBLED:
        for place in range(2, len(word) - 2):
            yield (word[:place], word[place + 1 :]), SPLIT_WITH_TYPO
    letters = tuple(dict.fromkeys(word))
    if len(asked) > 1 and 1 < len(word) <= _MOST_INITIALS and len(letters) > 1 and word.isascii():
        yield (f"^{letters[0]}", f"^{letters[1]}"), INITIALS


def abroad(asked: str) -> Iterator[Pieces]:
    """What numbers have both of that begin with a country's code and these digits; only phones have such words."""
    yield from ((pair, PHONE_BEGINNING) for pair in from_abroad(asked))


def initials(text: ContactText) -> set[str]:
    """What the words of a name begin with, as `split` has it."""
    return {f"^{word[0]}" for word in text.name}


def deletions(word: str) -> set[str]:
    """The word's beginning with up to as many letters left out as typos are forgiven.

    Two words within that many typos share one of these (SymSpell), so that close words are found by equality.
    """
    found = {word[:_PREFIX]}
    edge = found
    for _ in range(edits(word, loosely=True)):
        edge = {text[:i] + text[i + 1 :] for text in edge for i in range(len(text))}
        found = found | edge
    return found if edits(word) else set()


def near_keys(salt: bytes, words: Iterable[str]) -> list[int]:
    """The deletions of words as signed 32-bit numbers; another salt (a tenant's) gives other numbers."""
    seed = crc32(salt)
    return sorted({crc32(text.encode(), seed) - 2**31 for word in words for text in deletions(word)})


def explain(asked: Sequence[str], text: ContactText, *, split_too: bool = True) -> tuple[float, tuple[str, ...]]:
    """How well a contact answers (0 when too few of the words match), and which fields match.

    A word counts by its closest field, a little less outside the name.
    """
    total, hits, matched = 0.0, 0, set()
    for at in range(len(asked)):
        best = 0.0
        for field, close in _by_field(asked, at, text):
            matched.add(field)
            best = max(best, close if field == "name" else close * 0.9)
        if (apart := _apart(asked, at, text, split_too=split_too)) and apart[0] > best:
            best = apart[0]
            matched |= apart[1]
        total += best
        hits += best > 0
    score = total / len(asked) if asked and hits >= required(len(asked)) else 0.0
    return score, tuple(field for field in FIELDS if field in matched)


def _by_field(asked: Sequence[str], at: int, text: ContactText) -> Iterator[tuple[str, float]]:
    """The fields that a word is in, and how closely."""
    whole = set(joined(asked, at))
    for field in FIELDS:
        kept = getattr(text, field)
        close = max((closeness(asked[at], word, loosely=len(asked) > 1) for word in kept), default=0.0)
        if close < JOINED and not whole.isdisjoint(kept):
            close = JOINED
        if close:
            yield field, close


def _apart(asked: Sequence[str], at: int, text: ContactText, *, split_too: bool) -> tuple[float, set[str]] | None:
    """How close the pieces of a word are that a contact has, and the fields that they are in."""
    known = {field: getattr(text, field) for field in FIELDS} | {"^": initials(text)}
    everything = frozenset().union(*known.values())
    pairs = [*(split(asked, at) if split_too else ()), *abroad(asked[at])]
    for pieces, weight in sorted(pairs, key=lambda each: -each[1]):
        if everything.issuperset(pieces):
            fields = {field for field, words in known.items() if not words.isdisjoint(pieces)}
            return weight * 0.9, {"name" if field == "^" else field for field in fields}
    return None
