"""R3.1, R3.4, R1.5: a merge patch (RFC 7396) becomes the smallest change, or a refusal that names every bad field."""

from uuid import UUID

import pytest

from domain.contact import Email, Lifecycle, Name
from tests.given import (
    ADA,
    TENANT,
    ada,
    change,
    changed,
    delete,
    deleted,
    emails,
    external_id,
    given,
    phones,
    registered,
    some_id,
)

USER = some_id(900)
COMPANY_ID = some_id(901)


def test_what_is_absent_stays() -> None:
    ada().when(change(title="Analyst")).then(changed(title="Analyst"))


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"name": "Ada Lovelace"},
        {"name": {}},
        {"name": {"given": "Ada"}},
        {"email": "ada@engines.example"},
        {"phones": [{"value": "+44 20 7946 0018"}]},
        {"title": " Countess "},
        {"tags": ["math", "MATH"]},
        {"external_ids": {}},
        {"external_ids": {"erp": "7"}},
        {"external_ids": {"crm": None}},
        {"custom": {}},
        {"lifecycle": "lead"},
    ],
)
def test_a_patch_that_changes_nothing_stores_nothing(patch: dict[str, object]) -> None:
    ada().when(change(**patch)).then_nothing()


def test_null_clears() -> None:
    patch = change(title=None, tags=None, company=None, owner_id=None, phones=None)
    ada().when(patch).then(changed(title=None, tags=(), company_id=None, owner_id=None, phones=()))


def test_null_sets_the_lifecycle_back_to_its_beginning() -> None:
    ada(lifecycle=Lifecycle.CUSTOMER).when(change(lifecycle=None)).then(changed(lifecycle=Lifecycle.LEAD))


def test_parts_of_a_name_merge_and_the_name_as_shown_follows() -> None:
    ada().when(change(name={"given": "Augusta"})).then(changed(name=Name("Augusta", "Lovelace", "Augusta Lovelace")))
    ada().when(change(name={"family": None})).then(changed(name=Name("Ada", None, "Ada")))


def test_a_name_as_shown_that_was_chosen_stays_when_its_parts_change() -> None:
    shown = registered(name=Name("Ada", "Lovelace", "Countess Lovelace"), emails=emails("a@b.example"))

    told = given(shown).when(change(name={"given": "Augusta"}))

    told.then(changed(name=Name("Augusta", "Lovelace", "Countess Lovelace")))
    given(shown).when(change(name={"display": None})).then(changed(name=Name("Ada", "Lovelace", "Ada Lovelace")))


def test_a_name_as_text_replaces_the_whole_name() -> None:
    ada().when(change(name="Grace Hopper")).then(changed(name=Name("Grace", "Hopper", "Grace Hopper")))
    ada().when(change(name=None)).then(changed(name=Name()))


def test_email_replaces_the_primary_one_and_keeps_the_others() -> None:
    told = ada().when(change(email="ada@new.example"))
    told.then(changed(emails=emails("ada@new.example", "countess@home.example")))


def test_email_that_is_there_already_becomes_the_primary_one_and_stands_once() -> None:
    told = ada().when(change(email="Countess@home.example"))
    told.then(changed(emails=emails("Countess@home.example")))


def test_email_null_takes_the_primary_one_away_and_the_next_moves_up() -> None:
    ada().when(change(email=None)).then(changed(emails=emails("countess@home.example")))


def test_the_kind_of_a_primary_address_outlives_its_value() -> None:
    story = given(registered(emails=(Email("ada@engines.example", "home", primary=True),)))
    story.when(change(email="ada@new.example")).then(changed(emails=(Email("ada@new.example", "home", primary=True),)))


def test_emails_replaces_the_list() -> None:
    told = ada().when(change(emails=[{"value": "ada@new.example", "kind": "home"}]))
    told.then(changed(emails=(Email("ada@new.example", "home", primary=True),)))


def test_email_and_emails_at_once_are_refused_also_as_nulls() -> None:
    for patch in ({"email": "a@b.example", "emails": []}, {"email": None, "emails": None}):
        ada().when(change(**patch)).then_refused("validation.failed", {"/email": "field.ambiguous"})


def test_the_last_of_name_email_and_phone_must_stay() -> None:
    story = given(registered("", emails=emails("a@b.example")))
    story.when(change(email=None)).then_refused("validation.failed", {"": "contact.empty"})
    story.when(change(email=None, phone="+44 20 7946 0018")).then(changed(emails=(), phones=phones("+442079460018")))


def test_a_changed_external_id_is_claimed_and_the_old_one_freed() -> None:
    told = ada().when(change(external_ids={"erp": "8", "shop": None}))

    told.then(changed(external_ids={"erp": "8"}))
    told.claims(external_id("erp", "8")).releases(external_id("erp", "7"), external_id("shop", "x"))


def test_external_ids_null_frees_all_of_them() -> None:
    told = ada().when(change(external_ids=None)).then(changed(external_ids={}))
    told.claims().releases(external_id("erp", "7"), external_id("shop", "x"))


def test_a_deletion_frees_every_external_id() -> None:
    told = ada().when(delete()).then(deleted())
    told.claims().releases(external_id("erp", "7"), external_id("shop", "x"))


def test_an_owner_must_be_a_user_of_the_tenant() -> None:
    ada().when(change(owner_id=str(USER))).then_refused("validation.failed", {"/owner_id": "user.not_found"})
    ada().found("user", USER, USER).when(change(owner_id=str(USER))).then(changed(owner_id=USER))


def test_a_company_by_name_is_found_or_made() -> None:
    other = some_id(902)
    ada().found("company.name", "bombe works", other).when(change(company="Bombe Works")).then(
        changed(company_id=other)
    )

    told = ada().when(change(company="Bombe Works"))

    assert [(claim.tenant_id, claim.kind, claim.value) for claim in told.decision.claims] == [
        (TENANT, "company.name", "bombe works")
    ]
    told.then(changed(company_id=told.decision.before[0].stream_id))


def test_every_bad_field_is_named_at_once_and_none_that_is_absent() -> None:
    patch = change(email="nobody", phone="1", title="t" * 201, tags=[""], external_ids={"?": "1"}, custom={"x": 1})
    ada().when(patch).then_refused(
        "validation.failed",
        {
            "/email": "email.invalid",
            "/phone": "phone.invalid",
            "/title": "text.too_long",
            "/tags/0": "tag.blank",
            "/external_ids/?": "external_ids.system",
            "/custom/x": "custom_field.unknown",
        },
    )


def test_a_claim_names_the_contact_that_holds_it() -> None:
    claims = ada().when(change(external_ids={"erp": "8"})).decision.claims
    assert {claim.stream_id for claim in claims} == {ADA}
    assert isinstance(COMPANY_ID, UUID)
