"""R5.1, R5.2, R5.5: what can be asked of leads, and what comes of it."""

from datetime import UTC, datetime

import pytest

from commands.companies.company import lookup
from commands.contacts.values import COMPANY, USER
from commands.leads.input import AssignLead, DeleteLead
from commands.ports import Claim
from domain.company import CompanyRegistered
from domain.customer import CustomerLeadAdded, CustomerLeadRemoved, CustomerRegistered, customer_id
from domain.lead import (
    LeadAssigned,
    LeadChanged,
    LeadConversionUndone,
    LeadConverted,
    LeadDeleted,
    LeadLost,
    LeadNurtured,
    LeadQualified,
    LeadReopened,
)
from domain.lead_status import MOVES, Act, Status
from domain.money import Money
from tests.given import CALLER, START, TENANT, some_id
from tests.given_leads import BUYER, HOUR, LEAD, buyer, change, contact, converted, do, given, register, registered

ACME = some_id(901)
OF_ACME = customer_id(TENANT, company_id=ACME, contact_id=None, lead_id=LEAD)
OWNED_BY = {
    Status.NEW: (registered(),),
    Status.QUALIFIED: (registered(), LeadQualified()),
    Status.NURTURING: (registered(), LeadNurtured()),
    Status.LOST: (registered(), LeadLost(reason="price")),
    Status.CONVERTED: (registered(), LeadQualified(), converted()),
}


def test_a_lead_has_what_was_sent_and_belongs_to_who_added_it() -> None:
    asked = register(title="  Engine ", source="web", value={"amount": "12.5", "currency": "EUR"}, tags=["a", "A"])
    given().when(asked).then(registered(source="web", value=Money("12.50", "EUR"), tags=("a",)))


def test_an_amount_without_a_currency_is_in_that_of_the_value_before_and_is_refused_where_none_is_known() -> None:
    before = registered(value=Money("1", "JPY"))
    given(before).when(change(value={"amount": "12"})).then(LeadChanged(value=Money("12", "JPY")))
    given().when(register(value={"amount": "12"})).then_refused("validation.failed", value__currency="money.currency")
    for currency in ("", "eur", "ZZZ"):
        bad = register(value={"amount": "12", "currency": currency})
        given().when(bad).then_refused("validation.failed", value__currency="money.currency")


def test_a_value_in_what_was_taken_for_a_currency_once_can_still_be_changed() -> None:
    before = registered(value=Money("1.00", "ZZZ"))
    given(before).when(change(value={"amount": "2"})).then(LeadChanged(value=Money("2.00", "ZZZ")))


def test_every_bad_field_is_told_at_once() -> None:
    asked = register(
        title=" ", owner_id=str(some_id(1)), contact_id=str(some_id(2)), company_id=str(some_id(3)),
        value={"amount": "x", "currency": "EUR"}, occurred_at="2027-01-01T00:00:00Z", custom={"size": 1},
        external_ids={"ERP": "1"}, moves=[{"act": "lose"}],
    )  # fmt: skip
    given().when(asked).then_refused(
        "validation.failed",
        title="field.blank",
        owner_id="user.not_found",
        contact_id="contact.not_found",
        company_id="company.not_found",
        value__amount="money.amount",
        occurred_at="time.future",
        custom__size="custom_field.unknown",
        external_ids__ERP="external_ids.system",
        moves__0__reason="field.required",
    )


def test_a_contact_is_made_with_its_lead_and_belongs_to_the_same_owner() -> None:
    asked = register(contact={"name": "Ada Lovelace", "external_ids": {"erp": "7"}}, company="Acme")
    told = given().when(asked)
    made, company = told.decision.before
    assert (made.stream_id, made.after, made.events[0].owner_id) == (some_id(1), 0, CALLER)  # type: ignore[attr-defined]
    assert company.events == (CompanyRegistered(name="Acme"),)
    told.then(registered(contact_id=some_id(1), company_id=company.stream_id))
    assert Claim(TENANT, "contact.external_id/erp", "7", some_id(1)) in told.decision.claims


def test_one_company_is_made_when_the_lead_and_its_contact_name_the_same() -> None:
    told = given().when(register(contact={"name": "Ada", "company": "ACME"}, company="Acme"))
    companies = [each for each in told.decision.before if isinstance(each.events[0], CompanyRegistered)]
    assert len(companies) == 1
    assert told.decision.events[0].company_id == companies[0].stream_id  # type: ignore[attr-defined]


def test_a_contact_that_is_there_by_its_external_id_is_found() -> None:
    asked = register(contact={"name": "Ada", "external_ids": {"erp": "7"}})
    told = given().known(contact=contact(some_id(2))).when(asked)
    told.then(registered(contact_id=some_id(2))).of_others()


def test_what_is_wrong_with_the_contact_points_into_it() -> None:
    asked = register(contact={"name": "Ada", "email": "x"}, contact_id=None)
    given().when(asked).then_refused("validation.failed", contact__email="email.invalid")


def test_a_contact_and_the_id_of_one_are_not_sent_together() -> None:
    told = given().known(contact=contact(some_id(2))).when(register(contact={"name": "A"}, contact_id=str(some_id(2))))
    told.then_refused("validation.failed", contact="field.ambiguous")


def test_a_lead_of_the_past_comes_with_its_moves_and_their_times() -> None:
    at = [datetime(2025, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    asked = register(
        occurred_at=at[0].isoformat(),
        moves=[
            {"act": "qualify", "occurred_at": at[1].isoformat()},
            {"act": "convert", "occurred_at": at[2].isoformat()},
        ],
    )
    told = given().when(asked).then(registered(), LeadQualified(), LeadConverted(customer_id=BUYER))
    assert told.decision.times == tuple(at)
    (customer,) = told.decision.related
    assert (customer.events, customer.times) == ((CustomerRegistered(lead_id=LEAD),), (at[2],))


def test_a_move_that_the_table_does_not_have_is_refused_also_among_those_of_the_past() -> None:
    refusal = given().when(register(moves=[{"act": "convert"}])).then_refused("lead.move_not_allowed")
    assert refusal.members == {"allowed": ["qualify", "nurture", "lose"]}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("act", Act)
def test_each_act_does_what_the_table_says(status: Status, act: Act) -> None:
    """Every cell: a move, no change, or a refusal that names what is possible."""
    story = given(*OWNED_BY[status]).known(*([buyer(LEAD)] if status is Status.CONVERTED else []))
    told = story.when(do(act.value, reason="so"))
    if act not in MOVES[status]:
        refusal = told.then_refused("lead.move_not_allowed")
        assert refusal.members["allowed"] == [each for each, to in MOVES[status].items() if to is not status]
    elif MOVES[status][act] is status:
        assert told.decision.events == ()
        assert told.decision.related == ()
    else:
        assert len(told.decision.events) == 1


def test_losing_needs_a_reason() -> None:
    given(registered()).when(do("lose", reason=" ")).then_refused("validation.failed", reason="field.required")


def test_a_move_of_the_past_comes_after_the_one_before_it() -> None:
    early = given(registered(), LeadQualified()).when(do("nurture", occurred_at=START))
    early.then_refused("validation.failed", occurred_at="time.before_last_move")
    late = given(registered()).when(do("nurture", occurred_at=START + 25 * HOUR))
    late.then_refused("validation.failed", occurred_at="time.future")
    told = given(registered()).when(do("nurture", occurred_at=START + HOUR)).then(LeadNurtured())
    assert told.decision.times == (START + HOUR,)


def test_nothing_of_a_lead_is_from_before_anything_is_told_of() -> None:
    """Once, a lead of the year 1 in the east stopped all that reads the log: there is no such time in UTC."""
    at = "0001-01-01T00:00:00+10:00"
    asked = register(occurred_at=at, moves=[{"act": "qualify", "occurred_at": at}])
    out = "time.out_of_range"
    given().when(asked).then_refused("validation.failed", occurred_at=out, moves__0__occurred_at=out)


def test_a_lead_becomes_the_customer_of_its_company() -> None:
    told = given(registered(company_id=ACME), LeadQualified()).when(do("convert"))
    told.then(LeadConverted(customer_id=OF_ACME))
    told.of_others((OF_ACME, 0, (CustomerRegistered(lead_id=LEAD, company_id=ACME),)))


def test_the_next_lead_of_a_company_joins_its_customer() -> None:
    there = buyer(some_id(5), some_id(6), id=OF_ACME, company_id=ACME)
    told = given(registered(company_id=ACME), LeadQualified()).known(there).when(do("convert"))
    told.of_others((OF_ACME, 2, (CustomerLeadAdded(lead_id=LEAD),)))


def test_without_a_company_it_becomes_that_of_its_contacts_company_and_is_lent_it() -> None:
    story = given(registered(contact_id=some_id(2)), LeadQualified())
    told = story.known(contact=contact(some_id(2), company_id=ACME)).when(do("convert"))
    told.then(LeadConverted(customer_id=OF_ACME, company_id=ACME))


def test_a_company_that_is_named_is_made_when_there_is_none() -> None:
    told = given(registered(), LeadQualified()).when(do("convert", company="Acme"))
    (made, _) = (*told.decision.before, *told.decision.related)
    assert made.events == (CompanyRegistered(name="Acme"),)
    assert told.decision.events[0].company_id == made.stream_id  # type: ignore[attr-defined]
    known = given(registered(), LeadQualified()).found(*lookup("acme"), ACME).when(do("convert", company="Acme"))
    known.then(LeadConverted(customer_id=OF_ACME, company_id=ACME))


def test_without_any_company_it_becomes_the_contacts_customer() -> None:
    own = customer_id(TENANT, company_id=None, contact_id=some_id(2), lead_id=LEAD)
    story = given(registered(contact_id=some_id(2)), LeadQualified()).known(contact=contact(some_id(2)))
    told = story.when(do("convert")).then(LeadConverted(customer_id=own))
    told.of_others((own, 0, (CustomerRegistered(lead_id=LEAD, contact_id=some_id(2)),)))


def test_a_conversion_is_undone_on_both_sides() -> None:
    story = given(registered(), LeadQualified(), converted()).known(buyer(LEAD))
    told = story.when(do("undo-convert", reason="wrong one"))
    told.then(LeadConversionUndone(customer_id=BUYER, reason="wrong one"))
    told.of_others((BUYER, 1, (CustomerLeadRemoved(lead_id=LEAD),)))


def test_a_customer_that_was_none_is_one_again_with_its_next_lead() -> None:
    told = given(registered(), LeadQualified()).known(buyer()).when(do("convert"))
    told.of_others((BUYER, 2, (CustomerLeadAdded(lead_id=LEAD),)))


def test_a_change_names_what_is_new_and_another_owner_apart() -> None:
    story = given(registered(source="web", tags=("a",))).found(USER, some_id(8), some_id(8))
    told = story.when(change(source="fair", tags=["a"], owner_id=str(some_id(8))))
    told.then(LeadChanged(source="fair"), LeadAssigned(owner_id=some_id(8)))


def test_a_change_to_what_is_so_already_is_none() -> None:
    assert given(registered(source="web")).when(change(source="web", title="Engine")).decision.events == ()


def test_null_clears_and_a_title_can_not_be_cleared() -> None:
    before = registered(source="web", value=Money("1.00", "EUR"), company_id=ACME)
    told = given(before).when(change(source=None, value=None, company_id=None))
    told.then(LeadChanged(source=None, value=None, company_id=None))
    given(before).when(change(title=None)).then_refused("validation.failed", title="field.blank")


def test_external_ids_are_claimed_and_given_up() -> None:
    before = given(registered(external_ids={"erp": "1", "shop": "x"}))
    told = before.when(change(external_ids={"erp": "2", "shop": None}))
    assert told.decision.claims == (Claim(TENANT, "lead.external_id/erp", "2", LEAD),)
    assert set(told.decision.releases) == {
        Claim(TENANT, "lead.external_id/erp", "1", LEAD),
        Claim(TENANT, "lead.external_id/shop", "x", LEAD),
    }


def test_a_company_is_given_by_id_or_by_name_not_both() -> None:
    story = given(registered()).found(COMPANY, ACME, ACME)
    told = story.when(change(company_id=str(ACME), company="Acme"))
    told.then_refused("validation.failed", company="field.ambiguous")
    story.when(change(company={"id": str(ACME)})).then(LeadChanged(company_id=ACME))


def test_assigning_takes_a_user_and_to_the_same_one_changes_nothing() -> None:
    story = given(registered()).found(USER, CALLER, CALLER).found(USER, some_id(8), some_id(8))
    assert story.when(AssignLead(owner_id=CALLER)).decision.events == ()
    story.when(AssignLead(owner_id=some_id(8))).then(LeadAssigned(owner_id=some_id(8)))
    story.when(AssignLead(owner_id=None)).then(LeadAssigned(owner_id=None))
    story.when(AssignLead(owner_id=some_id(9))).then_refused("validation.failed", owner_id="user.not_found")


def test_a_deleted_lead_leaves_its_customer_and_gives_up_its_ids() -> None:
    story = given(registered(external_ids={"erp": "1"}), LeadQualified(), converted()).known(buyer(LEAD))
    told = story.when(DeleteLead()).then(LeadDeleted())
    told.of_others((BUYER, 1, (CustomerLeadRemoved(lead_id=LEAD),)))
    assert told.decision.releases == (Claim(TENANT, "lead.external_id/erp", "1", LEAD),)


def test_a_lost_lead_is_reopened() -> None:
    given(*OWNED_BY[Status.LOST]).when(do("reopen")).then(LeadReopened())
