"""From what is written to words that compare: the same for what is kept and for what is asked, on every backend."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

from msgspec import Struct, structs

from projections.contacts.dialling import beginnings

FIELDS = ("name", "email", "company", "title", "phone")
"""What a contact is found by, the most telling first."""

_LONGEST_TEXT = 256
_LONGEST_WORD = 32
_MOST_ASKED = 8
_PHONE_DIGITS = 7
_FEWEST_DIGITS = 4

# Letters that Unicode does not decompose but people leave the stroke of; Arabic letters with several spellings.
_ALIKE = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n"}  # noqa: RUF001
    | {"ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك", "ـ": None, "\u200c": None, "\u200d": None}  # noqa: RUF001
)
# Combining classes of what is part of a letter rather than an accent: none, the voicing of kana, the virama.
_NO_ACCENT = frozenset((0, 8, 9))
# Scripts that are written without spaces, and Hangul, whose names are.
_UNSPACED = re.compile(r"[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]+")
_JOINTS = re.compile(r"(?<=\w)['’ʼ‐-](?=\w)")  # noqa: RUF001
_PLAIN = re.compile(r"[a-z]+|[0-9]+")
_PHONE = re.compile(r"[\d\s+()./-]+")
_PHONE_RUN = re.compile(r"(?<!\S)[+(]?\d[\d\s+()./-]*(?!\S)")


class ContactText(Struct, frozen=True):
    """A contact's words by field."""

    name: frozenset[str] = frozenset()
    email: frozenset[str] = frozenset()
    company: frozenset[str] = frozenset()
    title: frozenset[str] = frozenset()
    phone: frozenset[str] = frozenset()

    def words(self) -> frozenset[str]:
        """All of them."""
        return self.name | self.email | self.company | self.title | self.phone

    def without(self, hidden: Iterable[str]) -> "ContactText":
        """The same without some fields."""
        return structs.replace(self, **dict.fromkeys(hidden, frozenset())) if hidden else self

    def fields(self) -> dict[str, int]:
        """Each word with the fields that it is in, as `fields_mask` has them."""
        found: dict[str, int] = {}
        for number, field in enumerate(FIELDS):
            for word in getattr(self, field):
                found[word] = found.get(word, 0) | 1 << number
        return found


def fields_mask(hidden: Collection[str]) -> int:
    """A bit for each field that is not hidden, in the order of FIELDS."""
    return sum(1 << number for number, field in enumerate(FIELDS) if field not in hidden)


def fields_of(mask: int) -> tuple[str, ...]:
    """The fields whose bits are set."""
    return tuple(field for number, field in enumerate(FIELDS) if mask >> number & 1)


def contact_text(
    *,
    names: Iterable[str | None] = (),
    emails: Iterable[str] = (),
    company: str | None = None,
    title: str | None = None,
    phones: Iterable[str] = (),
) -> ContactText:
    """A contact's words from its values as they are written."""
    return ContactText(
        name=frozenset(word for name in names if name for word in _kept(name)),
        email=frozenset(word for email in emails for word in words(email)),
        company=frozenset(_kept(company or "")),
        title=frozenset(words(title or "")),
        phone=frozenset(word for phone in phones for word in (*phone_words(phone), *beginnings(phone))),
    )


def asked(text: str) -> tuple[str, ...]:
    """The words of a question, each once, at most 8; a phone number counts as one: its digits, after # and maybe +."""
    found: dict[str, None] = {}
    for part in _split(text[:_LONGEST_TEXT]):
        number = _number(part) if _PHONE.fullmatch(part) else ""
        whole = [f"#+{number}" if part.startswith("+") else f"#{number}"] if len(number) >= _PHONE_DIGITS else None
        found |= dict.fromkeys(whole or words(part, whole=False))
    return tuple(found)[:_MOST_ASKED]


def _split(text: str) -> Iterator[str]:
    """What stands between spaces; a phone number whole, whatever it is written with."""
    at = 0
    for run in _PHONE_RUN.finditer(text):
        if phone_word(run[0]):
            yield from text[at : run.start()].split()
            yield run[0] if len(_number(run[0])) >= _PHONE_DIGITS else _number(run[0])
            at = run.end()
    yield from text[at:].split()


def _number(text: str) -> str:
    """Digits without what is written between them."""
    return "".join(filter(str.isdecimal, text))


def required(count: int) -> int:
    """How many of the words asked for a contact must have: all of two, of more all but one."""
    return count if count <= 2 else count - 1  # noqa: PLR2004


def phone_word(text: str) -> str | None:
    """What a phone number is looked up by: its last digits; None for fewer than four.

    They are the same with and without country code and trunk prefix.
    """
    digits = _number(text)
    return f"#{digits[-_PHONE_DIGITS:]}" if len(digits) >= _FEWEST_DIGITS else None


def phone_words(text: str) -> Iterator[str]:
    """What a phone number is found by: its last four to seven digits."""
    whole = phone_word(text) or ""
    yield from (f"#{whole[-count:]}" for count in range(_FEWEST_DIGITS, len(whole)))


def end_of_phone(word: str) -> str | None:
    """What a number that was asked for is as the end of phone numbers, where it can be one."""
    return phone_word(word) if word.isdecimal() or word.startswith("#") else None


def fold(text: str) -> str:
    """Without case, width and accents; what Unicode keeps whole (Hangul, kana) stays whole."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold().translate(_ALIKE))
    return unicodedata.normalize("NFC", "".join(c for c in parts if unicodedata.combining(c) in _NO_ACCENT))


def words(text: str, *, whole: bool = True) -> Iterator[str]:
    """The words of a text: letters apart from digits, at punctuation and spaces, unspaced scripts in pairs of letters.

    With `whole`, a run of an unspaced script gives its last letter too, so that each letter begins some word.
    """
    folded = fold(text[:_LONGEST_TEXT])
    if folded.isascii():
        found = _PLAIN.findall(folded)
        yield from found if len(folded) <= _LONGEST_WORD else (word[:_LONGEST_WORD] for word in found)
        return
    for _, run in groupby(folded, _Kinds()):
        word = "".join(run)
        if unicodedata.category(word[0])[0] in "LN":
            yield from _cut(word, whole=whole)


class _Kinds:
    """Tells letters from digits and both from the rest; a mark is what it stands on."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, character: str) -> str:
        kind = unicodedata.category(character)[0]
        if kind != "M":
            self._last = kind if kind in "LN" else ""
        return self._last


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that is written without spaces, so that it may have the letters of two."""
    return _UNSPACED.fullmatch(word) is not None


def _kept(text: str) -> Iterator[str]:
    """Words to find a name by: "Anne-Marie" is also found as "Annemarie", "O'Brien" as "OBrien"."""
    yield from words(text)
    joined = _JOINTS.sub("", text[:_LONGEST_TEXT])
    if joined != text:
        yield from words(joined)


def _cut(word: str, *, whole: bool) -> Iterator[str]:
    """A word as it is kept, or the pairs of letters of the parts of it that are written without spaces."""
    at = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > at:
            yield word[at : run.start()][:_LONGEST_WORD]
        letters = run[0]
        yield from (letters[i : i + 2] for i in range(len(letters) - 1))
        if whole or len(letters) == 1:
            yield letters[-1]
        at = run.end()
    if at < len(word):
        yield word[at:][:_LONGEST_WORD]
