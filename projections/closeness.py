"""How close a word is to the one that was asked for, and how to look close words up without comparing all of them."""

from collections.abc import Iterable, Sequence
from zlib import crc32

from rapidfuzz.distance import OSA

from projections.contact_text import FIELDS, ContactText, required

EXACT_OR_BEGINNING = 0.75
"""Words that are at least this close have no typo."""

_PREFIX = 7


def edits(word: str) -> int:
    """How many typos are forgiven: none in short words and in numbers, one from 3 letters on, two from 6."""
    if word[0] == "#" or word.isdigit():
        return 0
    return 0 if len(word) < 3 else 1 if len(word) < 6 else 2  # noqa: PLR2004


def closeness(asked: str, word: str) -> float:
    """From 1 (the same) over beginnings and typos (swapped neighbours count as one) to 0 (not a match)."""
    if word.startswith(asked):
        return 1.0 if asked == word else EXACT_OR_BEGINNING + 0.2 * len(asked) / len(word)
    allowed = edits(asked)
    if not allowed or not edits(word):
        return 0.0
    distance = OSA.distance(asked, word, score_cutoff=allowed)
    if distance <= allowed:
        return 0.8 - 0.2 * distance
    # A word of which only the beginning was typed, with one typo in it.
    if len(asked) > 3 and len(word) > len(asked):  # noqa: PLR2004
        beginnings = (word[: len(asked) + more] for more in (0, 1, -1))
        if any(OSA.distance(asked, beginning, score_cutoff=1) <= 1 for beginning in beginnings):
            return 0.4
    return 0.0


def deletions(word: str) -> set[str]:
    """The word's beginning with up to as many letters left out as typos are forgiven.

    Two words within that many typos share one of these (SymSpell), so that close words are found by equality.
    """
    found = {word[:_PREFIX]}
    edge = found
    for _ in range(edits(word)):
        edge = {text[:i] + text[i + 1 :] for text in edge for i in range(len(text))}
        found = found | edge
    return found if edits(word) else set()


def near_keys(salt: bytes, words: Iterable[str]) -> list[int]:
    """The deletions of words as signed 32-bit numbers; another salt (a tenant's) gives other numbers."""
    seed = crc32(salt)
    return sorted({crc32(text.encode(), seed) - 2**31 for word in words for text in deletions(word)})


def explain(asked: Sequence[str], text: ContactText) -> tuple[float, tuple[str, ...]]:
    """How well a contact answers (0 when too few of the words match), and which fields match.

    A word counts by its closest field, a little less outside the name.
    """
    total, hits, matched = 0.0, 0, set()
    for word in asked:
        best = 0.0
        for field in FIELDS:
            close = max((closeness(word, kept) for kept in getattr(text, field)), default=0.0)
            if close:
                matched.add(field)
                best = max(best, close if field == "name" else close * 0.9)
        total += best
        hits += best > 0
    score = total / len(asked) if asked and hits >= required(len(asked)) else 0.0
    return score, tuple(field for field in FIELDS if field in matched)
