"""R3.5: rows find whom earlier rows of their file have met, before the read models have them."""

from uuid import UUID

from commands.imports.met import Memory, Met
from commands.imports.rows import EMAIL, PHONE
from domain.contact import Contact, Email, Name, Phone
from tests.given import START

ADA, BOB = UUID(int=1), UUID(int=2)
SHARED = (EMAIL, "office@engines.example")


def contact(contact_id: UUID, email: str, *phones: str) -> Contact:
    return Contact(
        id=contact_id,
        version=1,
        name=Name(display="Ada"),
        emails=(Email(value=email),),
        phones=tuple(Phone(value=each) for each in phones),
        created_at=START,
        updated_at=START,
    )


def test_contacts_are_found_by_each_of_their_addresses_without_case() -> None:
    met = Met()
    met.remember(7, [contact(ADA, "Office@engines.example", "+442079460000")])
    met.remember(9, [contact(BOB, "office@engines.example")])
    assert met.whom({SHARED, (EMAIL, "nobody@engines.example")}) == {SHARED: [ADA, BOB]}
    assert met.whom({(PHONE, "+442079460000")}) == {(PHONE, "+442079460000"): [ADA]}


def test_what_the_read_models_have_is_left_to_them_portion_by_portion() -> None:
    met = Met(applied=3)
    met.remember(7, [contact(ADA, "office@engines.example", "+442079460000")])
    met.remember(9, [contact(BOB, "office@engines.example")])
    met.leave(6)
    assert (met.applied, met.whom({SHARED})) == (3, {SHARED: [ADA, BOB]})
    met.leave(8)
    assert (met.applied, met.whom({SHARED}), met.keys) == (7, {SHARED: [BOB]}, 2)
    met.leave(20)
    assert (met.applied, met.whom({SHARED}), met.keys) == (9, {}, 0)


def test_memory_is_of_the_portion_that_comes_next_and_is_taken_once() -> None:
    memory, met = Memory(), Met()
    memory.keep(ADA, 4, met)
    assert memory.take(ADA, 5) is None
    assert memory.take(ADA, 4) is met
    assert memory.take(ADA, 4) is None


def test_memory_forgets_imports_that_do_not_come_back() -> None:
    memory, imports = Memory(), [UUID(int=number) for number in range(1, 40)]
    for each in imports:
        memory.keep(each, 1, Met())
    kept = [each for each in imports if memory.take(each, 1)]
    assert kept == imports[-len(kept) :]
    assert 0 < len(kept) < len(imports)
