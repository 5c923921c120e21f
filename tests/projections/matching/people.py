"""Made-up lists of contacts, some of whom are there twice, with the true pairs."""

import string
from random import Random
from typing import Any

from msgspec import Struct

from projections.matching.person import Person, person

KEYS = ("name", "email", "phone", "company", "custom.street", "custom.postcode", "custom.born")

_SYLLABLES = (
    "ba be bi do du fa ga go ha hi jo ka ko la le li lo ma me mi mo na ne ni no pa ra re ri ro sa so ta te to va zo"
)


class World(Struct, frozen=True):
    """Contacts in no order, and the pairs of their numbers that are one person."""

    people: list[Person]
    pairs: set[tuple[int, int]]


def world(seed: int, *, people: int = 400, twice: float = 0.3, families: float = 0.5, typos: float = 0.15) -> World:
    """Families that share name, address, phone perhaps the mailbox, and singles; `twice` of them are there twice."""
    random = Random(seed)  # noqa: S311  nothing is secret here
    found: list[tuple[int, dict[str, Any]]] = []
    number = 0
    while number < people:
        for one in _household(random, random.randint(2, 4) if random.random() < families else 1):
            found.append((number, one))
            if random.random() < twice:
                found.append((number, _again(random, one, typos)))
            number += 1
    random.shuffle(found)
    pairs = {(a, b) for a in range(len(found)) for b in range(a + 1, len(found)) if found[a][0] == found[b][0]}
    return World([_person(values) for _, values in found], pairs)


def colleagues(seed: int, keys: tuple[str, ...], *, companies: int = 50) -> World:
    """Companies of eight with one phone and a mailbox for each; every third of them is there twice, with a typo."""
    random = Random(seed)  # noqa: S311  nothing is secret here
    found: list[tuple[int, Person]] = []
    for number in range(companies * 8):
        if number % 8 == 0:
            company, phone = _word(random, 4), "+49" + "".join(random.choices(string.digits, k=10))
        given, family = _word(random, 3), _word(random, 3)
        email = f"{given}.{family}@{company}.example"
        for name in (family, _typo(random, family)) if number % 3 == 0 else (family,):
            known = person(keys, given=given, family=name, emails=[email], phones=[phone], company=company)
            found.append((number, known))
    random.shuffle(found)
    pairs = {(a, b) for a in range(len(found)) for b in range(a + 1, len(found)) if found[a][0] == found[b][0]}
    return World([each for _, each in found], pairs)


def _word(random: Random, parts: int) -> str:
    return "".join(random.choice(_SYLLABLES.split()) for _ in range(parts))


def _household(random: Random, size: int) -> list[dict[str, Any]]:
    family = _word(random, 3)
    phone = "+49" + "".join(random.choice(string.digits) for _ in range(10))
    home = {
        "street": f"{random.randint(1, 99)} {_word(random, 4)} street",
        "postcode": str(random.randint(10000, 99999)),
    }
    found = []
    for _ in range(size):
        given = _word(random, 3)
        email = f"{given}@{family}.org" if random.random() < 0.7 else f"family@{family}.org"
        born = f"{random.randint(1940, 2005)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
        found.append({"given": given, "family": family, "email": email, "phone": phone, "born": born} | home)
    return found


def _again(random: Random, values: dict[str, Any], typos: float) -> dict[str, Any]:
    again = {key: _typo(random, value) if random.random() < typos else value for key, value in values.items()}
    again[random.choice(["email", "phone", "born", "street"])] = None
    if random.random() < 0.05:
        again["given"], again["family"] = again["family"], again["given"]
    return again


def _typo(random: Random, text: str) -> str:
    at = random.randrange(1, len(text) - 1)
    if text[at].isdigit():
        return text[:at] + random.choice(string.digits) + text[at + 1 :]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _person(values: dict[str, Any]) -> Person:
    return person(
        KEYS,
        given=values["given"],
        family=values["family"],
        emails=[values["email"]] if values["email"] else [],
        phones=[values["phone"]] if values["phone"] else [],
        custom={key: values[key] for key in ("street", "postcode", "born")},
    )
