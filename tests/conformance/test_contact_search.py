"""What every contact search finds, and what it must not find."""

from uuid import UUID, uuid4

import pytest

from projections.contacts.search import DEEPEST, Sought
from tests.conformance.contact_worlds import World, person

ANNA = person("Anna Schmidt", email="anna.schmidt@gmail.example", company="Bäckerei Müller")
KATARZYNA = person(
    "Katarzyna Wójcik",
    email="k.wojcik@nordwind.example",
    company="Nordwind Logistik GmbH",
    title="Einkäuferin",
    phone="+48601234567",
)
OTHERS = tuple(
    person(name, email=email, company=company)
    for name, email, company in (
        ("Jan Kowalski", "jan@kowalski.example", "Przewozy Kowalski"),
        ("Siân O'Brien", "sian.obrien@cymru.example", None),
        ("Jean-Luc Lefèvre", "jl@lefevre.example", "Crème & Cie"),
        ("Пётр Иванов", "ivanov@zavod.example", "Завод Прогресс"),
        ("Γιώργος Παπαδόπουλος", "giorgos@ellas.example", "Ελαιόλαδο Σπάρτης"),
        ("محمد الأحمد", "m.ahmad@souk.example", "شركة النور"),
        ("山田太郎", "yamada@example.jp", "東京電機"),
        ("김철수", "kim@example.kr", None),
        ("王 小明", "wang@example.tw", None),
        ("박 영희", "park@example.kr", None),
        ("प्रिया शर्मा", "priya@sharma.example", "भारत उद्योग"),
        ("Jørgen Łukasz Straße", "js@example.no", None),
        ("Maria Garcia Lopez", "maria84@correo.example", "Garcia Hermanos"),
        ("Robert Brown", "rbrown@mail.example", None),
        ("John Ronald Reuel Tolkien", None, "Merton College"),
        ("Annemarie Keller", "amkeller@post.example", None),
        ("Marie-Anne van der Berg", "marie.vanderberg@post.example", None),
    )
)


@pytest.fixture(scope="module")
def tenant() -> UUID:
    return uuid4()


@pytest.fixture(scope="module")
async def searched(world: World, tenant: UUID) -> World:
    await world.given(tenant, ANNA, KATARZYNA, *OTHERS)
    return world


async def names(world: World, tenant: UUID, text: str, *, offset: int = 0, limit: int = 10) -> list[str]:
    return [world.name_of(hit.id) for hit in await world.search.search(tenant, Sought(text, offset, limit))]


@pytest.mark.parametrize(
    "text",
    [
        "Katarzyna Wójcik", "Katarzina", "wojick", "nordwnd", "k.wojcik@nord", "wójcik katarzyna", "kata",
        "KATARZYNA",
        "k.wojcik@nordwind.example", "wojcik@", "nordwind gmbh", "Nordwind Logistk", "katazyna wojcik", "woj kat",
        "atarzyna", "einkauferin", "+48 601 234 567", "601-234-567", "0048601234567",
        "Katarzyna Wojcik Nordwind Berlin",
    ],
)  # fmt: skip
async def test_a_contact_is_found_first_by_something_like_its_words(searched: World, tenant: UUID, text: str) -> None:
    assert (await names(searched, tenant, text))[:1] == ["Katarzyna Wójcik"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("иванов", "Пётр Иванов"), ("ПЕТР", "Пётр Иванов"), ("иваонв", "Пётр Иванов"), ("прогрес", "Пётр Иванов"),
        ("παπαδοπουλος", "Γιώργος Παπαδόπουλος"), ("ΓΙΩΡΓΟΣ", "Γιώργος Παπαδόπουλος"),
        ("παπαδ", "Γιώργος Παπαδόπουλος"),
        ("مُحَمَّد", "محمد الأحمد"), ("الاحمد", "محمد الأحمد"), ("النور", "محمد الأحمد"),
        ("山田", "山田太郎"), ("太郎", "山田太郎"), ("太郎 山田", "山田太郎"), ("山", "山田太郎"), ("東京", "山田太郎"),
        ("김철수", "김철수"), ("철수", "김철수"), ("김", "김철수"),
        ("王小明", "王 小明"), ("小明", "王 小明"), ("박영희", "박 영희"), ("박영", "박 영희"),
        ("प्रिया", "प्रिया शर्मा"), ("शर्म", "प्रिया शर्मा"), ("भारत", "प्रिया शर्मा"),
        ("jorgen", "Jørgen Łukasz Straße"), ("lukasz", "Jørgen Łukasz Straße"), ("STRASSE", "Jørgen Łukasz Straße"),
        ("sian obrien", "Siân O'Brien"), ("o'brien", "Siân O'Brien"), ("brien", "Siân O'Brien"),
        ("jeanluc", "Jean-Luc Lefèvre"), ("luc lefevre", "Jean-Luc Lefèvre"), ("creme", "Jean-Luc Lefèvre"),
        ("backerei", "Anna Schmidt"), ("schmitd", "Anna Schmidt"), ("maria84", "Maria Garcia Lopez"),
    ],
)  # fmt: skip
async def test_every_script_is_searched(searched: World, tenant: UUID, text: str, name: str) -> None:
    assert (await names(searched, tenant, text))[:1] == [name]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bob brown", "Robert Brown"), ("Bobby", "Robert Brown"), ("johnny tolkien", "John Ronald Reuel Tolkien"),
        ("J Tolkien", "John Ronald Reuel Tolkien"), ("j. r. r. tolkien", "John Ronald Reuel Tolkien"),
        ("JRR Tolkien", "John Ronald Reuel Tolkien"), ("R Brown", "Robert Brown"),
        ("tolkien j", "John Ronald Reuel Tolkien"),
        ("anne marie keller", "Annemarie Keller"), ("anne-marie keller", "Annemarie Keller"),
        ("vanderberg", "Marie-Anne van der Berg"), ("van der berg", "Marie-Anne van der Berg"),
        ("vander berg", "Marie-Anne van der Berg"), ("garcialopez", "Maria Garcia Lopez"),
        ("garciaxlopez", "Maria Garcia Lopez"), ("annaschmidt", "Anna Schmidt"), ("anna.schmdt@gmail", "Anna Schmidt"),
        ("4567", "Katarzyna Wójcik"), ("34567", "Katarzyna Wójcik"), ("234 567", "Katarzyna Wójcik"),
        ("wojcik 4567", "Katarzyna Wójcik"), ("Katarzyna +48 601-234-567", "Katarzyna Wójcik"),
        ("jna kowalsik", "Jan Kowalski"), ("aJn oKwalski", "Jan Kowalski"), ("rboert bronw", "Robert Brown"),
    ],
)  # fmt: skip
async def test_a_contact_is_found_by_what_its_words_may_have_become(
    searched: World, tenant: UUID, text: str, name: str
) -> None:
    assert (await names(searched, tenant, text))[:1] == [name]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("vanderberg", "Jan van der Berg"), ("vander berg", "Jan van der Berg"),
        ("vonderleyen", "Ursula von der Leyen"), ("delacruz", "Ana de la Cruz"), ("dela cruz", "Ana de la Cruz"),
        ("ana delacruz", "Ana de la Cruz"),
        ("mcdonald", "Ronald Mc Donald"), ("oconnor", "Sinéad O'Connor"), ("oconnor", "Flannery O’Connor"),  # noqa: RUF001
    ],
)  # fmt: skip
async def test_a_name_with_particles_is_found_written_as_one_and_those_who_share_a_part_of_it_are_not(
    world: World, text: str, name: str
) -> None:
    tenant = uuid4()
    others = ("Jan Berg", "Vera der Kinderen", "Ana Cruz", "Dela Sommer", "Mac Miller", "Con Norris")
    await world.given(tenant, person(name), *map(person, others))
    assert await names(world, tenant, text) == [name]


async def test_another_name_for_a_person_comes_after_the_one_asked_for(world: World) -> None:
    tenant = uuid4()
    await world.given(tenant, *map(person, ("Robert Smith", "Bob Smith", "Roberta Smith", "Rob Smith", "Ann Smith")))
    assert (await names(world, tenant, "bob smith"))[:2] == ["Bob Smith", "Robert Smith"]
    found = await names(world, tenant, "robert smith")
    assert found[:2] == ["Robert Smith", "Roberta Smith"]
    assert set(found[2:]) == {"Bob Smith", "Rob Smith"}


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("katarzyna", ("name",)),
        ("wojcik", ("name", "email")),
        ("nordwind", ("email", "company")),
        ("logistk", ("company",)),
        ("einkäuferin", ("title",)),
        ("+48601234567", ("phone",)),
    ],
)
async def test_a_hit_says_what_it_was_found_by(
    searched: World, tenant: UUID, text: str, matched: tuple[str, ...]
) -> None:
    hits = await searched.search.search(tenant, Sought(text, 0, 10))
    assert hits[0].matched == matched
    assert hits[0].score > 0


@pytest.mark.parametrize("text", ["zzzzzz", "Katarzyna Zzzzzz", "Anna Wojcik", "+48601234599", "99"])
async def test_what_nobody_is_called_finds_nobody(searched: World, tenant: UUID, text: str) -> None:
    assert await names(searched, tenant, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "'", '"', "%", "_", "\\", "%%__", "'; DROP TABLE read.contact_v1; --", "\0", "a\0b", "\ud800", "*",
        "~",
        "(", "{}", "[[", "AND", "name:*", "/.*/", "x" * 100_000, "a " * 50_000, "\u0301" * 300, "🙂", "\u200d", "{{ }}",
        "-1", "1e9999", "NULL", "# #1 #1234567 ##", "山" * 5_000,
    ],
)  # fmt: skip
async def test_hostile_text_is_only_text(searched: World, tenant: UUID, text: str) -> None:
    for hit in await searched.search.search(tenant, Sought(text, 0, 10)):
        assert searched.name_of(hit.id)
        assert hit.matched


async def test_a_wildcard_does_not_find_everybody(searched: World, tenant: UUID) -> None:
    for text in ("%", "*", "_", ".*", "?"):
        assert await names(searched, tenant, text) == []


async def test_the_closer_contact_comes_first(world: World) -> None:
    tenant = uuid4()
    await world.given(tenant, *(person(f"Marta {family}") for family in ("Novak", "Nowakowska", "Nowak")))
    assert await names(world, tenant, "marta nowak") == ["Marta Nowak", "Marta Nowakowska", "Marta Novak"]


async def test_a_name_counts_more_than_a_company(world: World) -> None:
    tenant = uuid4()
    await world.given(tenant, person("Paul Weber", company="Martin AG"), person("Eva Martin", company="Weber AG"))
    assert await names(world, tenant, "martin") == ["Eva Martin", "Paul Weber"]


async def test_a_tenant_finds_its_own_contacts_only(world: World) -> None:
    ours, theirs = uuid4(), uuid4()
    await world.given(ours, KATARZYNA, ANNA)
    await world.given(theirs, KATARZYNA, person("Katarzyna Nowak"))
    mine = {hit.id for hit in await world.search.search(ours, Sought("katarzyna", 0, 10))}
    others = {hit.id for hit in await world.search.search(theirs, Sought("katarzyna", 0, 10))}
    assert (len(mine), len(others)) == (1, 2)
    assert not mine & others
    assert await names(world, uuid4(), "katarzyna") == []


async def test_a_deleted_contact_is_not_found(world: World) -> None:
    tenant = uuid4()
    gone, stays = await world.given(tenant, KATARZYNA, person("Katarzyna Nowak"))
    await world.deleted(tenant, gone)
    assert [hit.id for hit in await world.search.search(tenant, Sought("katarzyna", 0, 10))] == [stays]
    assert await names(world, tenant, "wojcik") == []


async def test_a_changed_contact_is_found_by_its_new_name_only(world: World) -> None:
    tenant = uuid4()
    (one,) = await world.given(tenant, person("Ewa Zielinska"))
    await world.renamed(tenant, one, "Ewa Kaminska")
    assert [hit.id for hit in await world.search.search(tenant, Sought("kaminska", 0, 10))] == [one]
    assert await names(world, tenant, "zielinska") == []


async def test_pages_follow_each_other_without_repeats(world: World) -> None:
    tenant = uuid4()
    ids = await world.given(
        tenant, *(person(f"Anna {'Annas' if n % 3 else 'Anne'}", email=f"a{n}@x.example") for n in range(57))
    )
    seen: list[UUID] = []
    for offset in range(0, 70, 10):
        seen += [hit.id for hit in await world.search.search(tenant, Sought("anna", offset, 10))]
    assert len(seen) == len(set(seen))
    assert set(seen) == set(ids)


async def test_nothing_is_found_beyond_the_deepest_hit(searched: World, tenant: UUID) -> None:
    assert await names(searched, tenant, "anna", offset=DEEPEST, limit=10) == []
    assert await names(searched, tenant, "anna", offset=10**9, limit=10) == []
