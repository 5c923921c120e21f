"""Which contacts are worth comparing: those that share one of a few keys, each of few contacts."""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import permutations

from projections.contacts.nicknames import also_called
from projections.matching.person import FAMILY, GIVEN, Person
from projections.matching.sounds import sound

MOST_IN_BLOCK = 60
"""A key that more contacts share says too little to compare them all for."""

_MOST_KEYS = 24
_TELLING = 7
"""Letters and digits from which on a value of a custom field is looked up by itself, not only with a name."""
_LEAST = 4
_MOST_CALLED = 3
_LOCAL = 5


def keys(person: Person, salt: bytes) -> list[int]:
    """A contact's keys as signed 64-bit numbers; another salt (a tenant's) gives other numbers."""
    found = dict.fromkeys(_texts(person))
    return sorted(_number(text, salt) for text in list(found)[:_MOST_KEYS])


def _number(text: str, salt: bytes) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=salt).digest(), signed=True)


def _texts(person: Person) -> Iterator[str]:
    """The most telling first: there may be too many."""
    values = person.values
    for number in values.get("phone", ()):
        yield f"p:{number}"
    for email in values.get("email", ()):
        yield from _email(email)
    names = [name for field in (GIVEN, FAMILY) for name in values.get(field, ())]
    yield from _names(names)
    spoken = [sound(name) for name in names]
    for field, held in values.items():
        if field.startswith("custom."):
            for value in held:
                yield from _custom(field, value, spoken)
    for company in values.get("company", ()):
        yield from (f"c:{name}|{company}" for name in spoken)
        if not names:
            yield f"c:{company}"


def _names(names: list[str]) -> Iterator[str]:
    """Both names as they sound, in any order; and one as it is written with how the other begins, or its short form."""
    if len(names) == 1:
        yield f"n:{names[0]}"
        return
    yield "n:" + "|".join(sorted(map(sound, names)))
    for one, other in permutations(names, 2):
        yield f"w:{one}|{other[:2]}"
        yield from (f"w:{one}|{each[:2]}" for each in sorted(also_called(other))[:_MOST_CALLED])


def _email(email: str) -> Iterator[str]:
    """The mailbox wherever it is, and its ends, one of which a typo leaves alone."""
    local, _, domain = email.rpartition("@")
    local = local.partition("+")[0].replace(".", "")
    yield f"e:{local}" if len(local) >= _LEAST else f"e:{email}"
    if len(local) > _LOCAL:
        yield f"b:{local[:_LOCAL]}@{domain}"
        yield f"b:@{local[-_LOCAL:]}@{domain}"


def _custom(field: str, value: str, spoken: list[str]) -> Iterator[str]:
    short = value.replace(" ", "")
    if len(short) >= _TELLING:
        yield f"{field}:{short}"
    elif len(short) >= _LEAST:
        yield from (f"{field}:{short}|{name}" for name in spoken)
        if not spoken:
            yield f"{field}:{short}"
