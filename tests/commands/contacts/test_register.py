"""R3.1, R3.4, R6.4: what becomes a contact, and what is refused with every bad field at once."""

from uuid import UUID

import pytest

from domain.company import CompanyRegistered
from domain.contact import ContactRegistered, Email, Lifecycle, Name, Phone
from domain.errors import FieldError
from tests.given import ADA, CALLER, TENANT, emails, external_id, given, phones, register, registered, some_id

OTHER_USER = some_id(900)
COMPANY_ID = some_id(901)


def event_of(**members: object) -> ContactRegistered:
    (event,) = given().when(register(**members)).decision.events
    assert isinstance(event, ContactRegistered)
    return event


def test_a_name_is_enough_and_the_caller_becomes_the_owner() -> None:
    given().when(register(name="Ada Lovelace")).then(registered("Ada Lovelace", owner_id=CALLER))


def test_an_email_or_a_phone_is_enough_too() -> None:
    assert event_of(email="ada@engines.example").emails == emails("ada@engines.example")
    assert event_of(phone="+44 20 7946 0018").phones == phones("+442079460018")


@pytest.mark.parametrize("body", [{}, {"title": "Countess"}, {"name": "  "}, {"emails": []}, {"name": {"given": ""}}])
def test_somebody_without_name_email_and_phone_is_nobody(body: dict[str, object]) -> None:
    given().when(register(**body)).then_refused("validation.failed", {"": "contact.empty"})


def test_every_field_comes_in_normal_form() -> None:
    event = event_of(
        name={"given": " Ada ", "family": "Lovelace"},
        emails=[{"value": "ADA@Engines.Example", "kind": "home"}, {"value": "a@engines.example", "primary": True}],
        phones=[{"value": "+49 (30) 901820", "kind": "mobile"}],
        title=" Countess  of Lovelace ",
        tags=["vip", "VIP", " math "],
        external_ids={"erp": "7", "shop": None},
        lifecycle="customer",
    )

    assert event == ContactRegistered(
        name=Name("Ada", "Lovelace", "Ada Lovelace"),
        emails=(Email("ADA@engines.example", "home"), Email("a@engines.example", "work", primary=True)),
        phones=(Phone("+4930901820", "mobile", primary=True),),
        title="Countess of Lovelace",
        tags=("vip", "math"),
        owner_id=CALLER,
        external_ids={"erp": "7"},
        lifecycle=Lifecycle.CUSTOMER,
    )


def test_an_external_id_is_claimed_for_the_contact() -> None:
    told = given().when(register(name="Ada", external_ids={"erp": "7", "shop_2": "x"}))
    told.claims(external_id("erp", "7"), external_id("shop_2", "x")).releases()


def test_an_owner_must_be_a_user_of_the_tenant() -> None:
    asked = register(name="Ada", owner_id=str(OTHER_USER))

    given().when(asked).then_refused("validation.failed", {"/owner_id": "user.not_found"})
    given().found("user", OTHER_USER, OTHER_USER).when(asked).then(registered("Ada", owner_id=OTHER_USER))


def test_a_company_that_is_known_by_name_is_found() -> None:
    story = given().found("company.name", "engines ltd", COMPANY_ID)

    told = story.when(register(name="Ada", company="  Engines   LTD "))

    told.then(registered("Ada", company_id=COMPANY_ID)).claims()
    assert told.decision.before == ()


def test_a_new_company_is_made_with_the_contact_and_claims_its_name() -> None:
    told = given().when(register(name="Ada", company={"name": "Engines Ltd"}))

    (company,) = told.decision.before
    (claim,) = told.decision.claims
    assert company.events == (CompanyRegistered(name="Engines Ltd"),)
    assert (claim.tenant_id, claim.kind, claim.value) == (TENANT, "company.name", "engines ltd")
    assert claim.stream_id == company.stream_id
    told.then(registered("Ada", company_id=company.stream_id))


def test_a_company_by_id_must_be_there() -> None:
    asked = register(name="Ada", company={"id": str(COMPANY_ID)})

    given().when(asked).then_refused("validation.failed", {"/company/id": "company.not_found"})
    given().found("company", COMPANY_ID, COMPANY_ID).when(asked).then(registered("Ada", company_id=COMPANY_ID))


def test_one_address_or_a_list_of_them_but_not_both() -> None:
    both = register(email="a@b.example", emails=[{"value": "a@b.example"}], phone="+4930901820", phones=[])
    given().when(both).then_refused("validation.failed", {"/email": "field.ambiguous", "/phone": "field.ambiguous"})


def test_every_bad_field_is_named_at_once() -> None:
    asked = register(
        name={"given": "A\x00da", "family": "x" * 201},
        emails=[{"value": "nobody"}, {"value": "a@b.example", "kind": "At Work"}, {"value": "A@B.example"}],
        phones=[{"value": "030 901820", "primary": True}, {"value": "+4930901820", "primary": True}],
        title="t" * 201,
        tags=["ok", " ", "\x07"],
        owner_id=str(OTHER_USER),
        company={"id": str(COMPANY_ID)},
        external_ids={"My ERP": "1", "erp": " "},
        custom={"a/b~c": 1},
    )

    given().when(asked).then_refused(
        "validation.failed",
        {
            "/name/given": "text.control_character",
            "/name/family": "text.too_long",
            "/emails/0/value": "email.invalid",
            "/emails/1/kind": "kind.invalid",
            "/emails/2/value": "value.repeated",
            "/phones/0/value": "phone.invalid",
            "/phones/1/primary": "primary.twice",
            "/title": "text.too_long",
            "/tags/1": "tag.blank",
            "/tags/2": "text.control_character",
            "/owner_id": "user.not_found",
            "/company/id": "company.not_found",
            "/external_ids/My ERP": "external_ids.system",
            "/external_ids/erp": "external_ids.blank",
            "/custom/a~1b~0c": "custom_field.unknown",
        },
    )


def test_what_could_not_be_read_is_named_together_with_what_is_wrong() -> None:
    story = given().unreadable(FieldError("/owner_id", "type.uuid", "must be a UUID"))

    told = story.when(register(name="Ada", title="t" * 201))

    told.then_refused("validation.failed", {"/owner_id": "type.uuid", "/title": "text.too_long"})


@pytest.mark.parametrize(
    ("member", "items"),
    [
        ("emails", [{"value": f"a{n}@b.example"} for n in range(51)]),
        ("phones", [{"value": f"+4930901{n:03}"} for n in range(51)]),
        ("tags", [str(n) for n in range(51)]),
        ("external_ids", {f"system_{n}": str(n) for n in range(51)}),
    ],
)
def test_lists_end_somewhere(member: str, items: object) -> None:
    given().when(register(name="Ada", **{member: items})).then_refused(
        "validation.failed", {f"/{member}": "list.too_long"}
    )


def test_the_new_stream_is_the_one_that_was_asked_for() -> None:
    told = given().when(register(name="Ada", external_ids={"erp": "7"}))
    assert {claim.stream_id for claim in told.decision.claims} == {ADA}
    assert isinstance(ADA, UUID)
