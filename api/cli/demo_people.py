"""Makes up contacts and the companies that they work for. Nobody is real, and no address or number reaches anyone."""

import itertools
from random import Random

from msgspec import Struct

from api.cli.demo_names import CULTURES, Culture
from commands.contacts.input import AddressInput, NameInput, RegisterContact
from domain.contact import Lifecycle

PHONES: dict[str, tuple[str, ...]] = {
    "gb": ("+44 7700 900XXX", "+44 20 7946 0XXX", "+44 161 496 0XXX"),
    "us": ("+1 212 555 01XX", "+1 415 555 01XX", "+1 312 555 01XX", "+1 604 555 01XX"),
    "de": ("+49 30 23125 XXX", "+49 40 66969 XXX", "+49 69 90009 XXX", "+49 89 99998 XXX", "+49 221 4710 XXX"),
    "fr": ("+33 1 99 00 XX XX", "+33 4 65 71 XX XX", "+33 6 39 98 XX XX"),
    "se": ("+46 8 465 004 XX", "+46 31 390 06 XX", "+46 40 628 04 XX"),
}
"""Ranges that regulators keep for films and books (Ofcom, NANPA, BNetzA, ARCEP, PTS): no subscriber has one."""

_LIFECYCLES = {
    Lifecycle.LEAD: 40,
    Lifecycle.CUSTOMER: 25,
    Lifecycle.PROSPECT: 14,
    Lifecycle.SUBSCRIBER: 8,
    Lifecycle.OPPORTUNITY: 6,
    Lifecycle.FORMER: 4,
    Lifecycle.PARTNER: 3,
}
_TAGS = (
    *("newsletter", "trade fair", "referral", "webinar", "key account", "reseller", "press", "beta", "invoice by post"),
    *("VIP", "Messe 2026", "à rappeler", "wiederkehrend", "重要", "важно", "مهم"),
)


class _Firm(Struct, frozen=True):
    name: str
    domain: str
    culture: Culture


def contacts(random: Random, count: int) -> list[RegisterContact]:
    """So many contacts, of a twelfth as many companies."""
    firms = _firms(random, max(1, count // 12))
    # A few large customers and many small ones.
    weights = [1 / (rank + 3) for rank in range(len(firms))]
    taken: set[str] = set()
    return [_contact(random, number, random.choices(firms, weights)[0], taken) for number in range(count)]


def _chance(random: Random, percent: int) -> bool:
    return random.randrange(100) < percent


def _culture(random: Random) -> Culture:
    return random.choices(CULTURES, [culture.weight for culture in CULTURES])[0]


def _firms(random: Random, count: int) -> list[_Firm]:
    found: dict[str, _Firm] = {}
    while len(found) < count:
        culture = _culture(random)
        marks, patterns = culture.company()
        mark, pattern = random.choice(marks), random.choice(patterns)
        domain = "-".join(filter(None, (mark.ascii, pattern.ascii)))
        found.setdefault(domain, _Firm(pattern.text.format(mark.text), f"{domain}.example", culture))
    return list(found.values())


def _contact(random: Random, number: int, firm: _Firm, taken: set[str]) -> RegisterContact:
    culture = firm.culture if _chance(random, 85) else _culture(random)  # most work where they come from
    female = _chance(random, 50)
    given, family = random.choice(culture.given(female=female)), random.choice(culture.family(female=female))
    private = _chance(random, 8)  # known without a company
    emails = _emails(random, (given.ascii, family.ascii), "post.example" if private else firm.domain, taken)
    lifecycle = random.choices(list(_LIFECYCLES), list(_LIFECYCLES.values()))[0]
    return RegisterContact(
        name=NameInput(given.text, family.text, culture.display(given.text, family.text)),
        emails=emails,
        phones=_phones(random, culture) if not emails or _chance(random, 80) else None,
        company=None if private else firm.name,
        title=None if private else random.choice(culture.title(female=female)).text,
        tags=random.sample(_TAGS, random.choices((0, 1, 2, 3), (50, 30, 15, 5))[0]) or None,
        external_ids={"erp": f"C-{10_000 + number}"} if lifecycle is Lifecycle.CUSTOMER else None,
        lifecycle=lifecycle,
    )


def _emails(random: Random, names: tuple[str, str], domain: str, taken: set[str]) -> list[AddressInput] | None:
    if _chance(random, 4):
        return None
    given, family = (name.replace("-", "") for name in names)
    local = random.choice((f"{given}.{family}", f"{given}.{family}", f"{given[0]}.{family}", f"{given}{family[0]}"))
    address = next(
        candidate
        for candidate in (f"{local}{suffix}@{domain}" for suffix in itertools.chain([""], itertools.count(2)))
        if candidate not in taken
    )
    taken.add(address)
    work = AddressInput(address, "work", primary=True)
    return [work, AddressInput(f"{local}@mail.example", "home")] if _chance(random, 10) else [work]


def _phones(random: Random, culture: Culture) -> list[AddressInput]:
    regions = list(PHONES) if culture.phones == "any" else culture.phones.split()
    pattern = random.choice(PHONES[random.choice(regions)])
    return [AddressInput("".join(str(random.randrange(10)) if sign == "X" else sign for sign in pattern), "work")]
