"""Which names are pronounced alike."""

import re
from functools import lru_cache

_ALIKE = (
    ("ph", "f"), ("sch", "s"), ("sh", "s"), ("tch", "s"), ("ch", "k"), ("ck", "k"), ("gh", "g"), ("kn", "n"),
    ("wr", "r"), ("x", "ks"), ("th", "t"), ("wh", "v"), ("dg", "j"), ("ts", "s"), ("tz", "s"), ("cz", "s"), ("dj", "j"),
    ("aw", "a"), ("ew", "e"), ("ow", "o"),
)  # fmt: skip
_LETTERS = str.maketrans("bcdgjqvwyz", "pktkkkffis")
_REPEATED = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"(?<!^)[aeiouh]")


@lru_cache(maxsize=16_384)
def sound(word: str) -> str:
    """A word as it sounds, roughly: its first letter and its consonants by groups. Other scripts stay as they are."""
    text = word.replace(" ", "")
    if not text.isascii():
        return text
    for written, spoken in _ALIKE:
        if written in text:
            text = text.replace(written, spoken)
    text = _VOWELS.sub("", text.translate(_LETTERS))
    if text[:1] in tuple("aeiou"):
        text = "a" + text[1:]
    return _REPEATED.sub(r"\1", text)[:6]
