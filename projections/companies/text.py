"""What companies are found by: words of their names and domains, and numbers that lead to companies with like words.

A company has a number for each beginning of each of its words, and for each way to leave a letter or two out (SymSpell,
see projections.contacts.closeness), so that a word that was asked for is looked up by equality. Salted with the tenant,
the numbers of one tenant are no other's.
"""

from collections.abc import Sequence
from zlib import crc32

from projections.contacts.closeness import closeness, near_keys
from projections.contacts.text import contact_text, required, words

_LONGEST_BEGINNING = 7
_BEGINNING = "^"
_OUTSIDE_NAME = 0.9


def words_of(name: str, domain: str | None) -> dict[str, float]:
    """A company's words, each with what it counts for: those of the domain a little less."""
    named = contact_text(names=(name,)).name
    return dict.fromkeys(words(domain or ""), _OUTSIDE_NAME) | dict.fromkeys(named, 1.0)


def keys_of(salt: bytes, name: str, domain: str | None) -> list[int]:
    """The numbers that lead to a company."""
    known = words_of(name, domain)
    beginnings = {word[:length] for word in known for length in range(1, _LONGEST_BEGINNING + 1)}
    return sorted({*near_keys(salt, known), *(_beginning(salt, text) for text in beginnings)})


def keys_like(salt: bytes, word: str, *, typos: bool) -> list[int]:
    """The numbers of companies that may have a word which begins with this one, or with `typos` is like it."""
    beginning = _beginning(salt, word[:_LONGEST_BEGINNING])
    return sorted({beginning, *near_keys(salt, [word])}) if typos else [beginning]


def score(asked: Sequence[str], name: str, domain: str | None) -> tuple[float, tuple[str, ...]]:
    """How well a company answers, 0 to 1 (0 when too few of the words match), and by which of its fields."""
    known, named = words_of(name, domain), contact_text(names=(name,)).name
    total, hits, matched = 0.0, 0, set[str]()
    for word in asked:
        close = {other: closeness(word, other) * weight for other, weight in known.items()}
        best = max(close.values(), default=0.0)
        matched |= {"name" if other in named else "domain" for other, each in close.items() if each}
        total += best
        hits += best > 0
    found = total / len(asked) if asked and hits >= required(len(asked)) else 0.0
    return found, tuple(field for field in ("name", "domain") if field in matched)


def _beginning(salt: bytes, text: str) -> int:
    return crc32(f"{_BEGINNING}{text}".encode(), crc32(salt)) - 2**31
