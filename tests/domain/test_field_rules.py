"""R2.6: how far roles reach into fields, alone and together."""

from hypothesis import given
from hypothesis import strategies as st

from domain.access import grants
from domain.authorization import Access, Defined, Fact, fold
from domain.field_rules import (
    ALIASES,
    FREE,
    RULED,
    FieldAccess,
    FieldRule,
    Fields,
    Rights,
    access,
    excess,
    named,
    ruled,
    spelt,
    together,
)
from domain.role import RoleChanged, RoleDefined
from tests.domain.test_authorization import fact
from tests.given import some_id

HIDDEN, READ, WRITE = FieldAccess
READER = grants("contacts.read")
PATHS = (*RULED["contacts"], "custom.salary", "custom.iban")

fields = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(FieldAccess), max_size=6)
held = st.sampled_from([grants(), READER, grants("contacts.write:own"), grants("audit.read"), grants("reports.read")])
rights = st.builds(lambda grants, rules: Rights(grants, {"contacts": rules} if rules else FREE), held, fields)


def rules(**access: FieldAccess) -> Fields:
    return {"contacts": access}


def allowed(by: Rights, path: str) -> FieldAccess:
    return access(by.fields.get("contacts", {}), path)


def test_what_has_no_rule_may_be_written() -> None:
    assert access({}, "title") is WRITE
    assert access({"title": HIDDEN}, "emails") is WRITE


def test_a_rule_for_custom_holds_for_each_member_without_its_own() -> None:
    own = {"custom": HIDDEN, "custom.salary": READ}
    assert (access(own, "custom.iban"), access(own, "custom.salary")) == (HIDDEN, READ)


@given(st.lists(rights, max_size=4), st.sampled_from(PATHS))
def test_of_several_roles_the_most_permissive_wins(parts: list[Rights], path: str) -> None:
    ruling = [part for part in parts if part.concerns("contacts")] or [part for part in parts if part.fields]
    most = max((allowed(part, path) for part in ruling), key=lambda each: each.rank, default=WRITE)
    assert allowed(together(parts), path) is most


@given(st.lists(rights, max_size=4))
def test_together_is_told_without_repeats_and_in_any_order_the_same(parts: list[Rights]) -> None:
    both = together(parts)
    assert together(reversed(parts)) == both == together([*parts, *parts])
    assert together([both]) == both
    for path, allowed_ in both.fields.get("contacts", {}).items():
        rest = {other: what for other, what in both.fields["contacts"].items() if other != path}
        assert access(rest, path) is not allowed_


def test_a_role_that_allows_nothing_with_a_resource_frees_no_field_of_it() -> None:
    intern = Rights(READER, rules(title=HIDDEN))
    assert together([intern, Rights(grants("reports.read"))]).fields == intern.fields
    assert together([intern, Rights(grants("contacts.merge:own"))]).fields == FREE


@given(rights, rights)
def test_nobody_hands_on_more_than_they_hold(needed: Rights, by: Rights) -> None:
    found = list(excess(needed, by))
    more = [path for path in PATHS if allowed(needed, path).rank > allowed(by, path).rank]
    concerned = needed.shows("contacts") or bool(needed.fields)
    assert bool(found) is (concerned and bool(more))
    assert all(allowed(by, rule.field) is rule.access for rule in found)


@given(rights)
def test_what_one_holds_can_be_handed_on(by: Rights) -> None:
    assert list(excess(by, by)) == []
    assert list(excess(Rights(READER), Rights(READER))) == []


def test_who_may_read_the_audit_trail_is_ruled_there_too_and_hands_it_on_ruled() -> None:
    auditor = Rights(grants("audit.read"), rules(emails=HIDDEN))
    assert together([auditor, Rights(grants("reports.read"))]).fields == auditor.fields
    assert together([auditor, Rights(READER, rules(emails=READ))]).fields == rules(emails=READ)
    assert list(excess(Rights(grants("audit.read")), auditor)) == [FieldRule("contacts", "emails", HIDDEN)]
    assert list(excess(Rights(grants("reports.read")), auditor)) == []


def test_fields_go_by_one_name() -> None:
    contacts = {alias: named("contacts", alias) for alias in ALIASES}
    others = {"company_id": "company", "former_ids": "external_ids", "due_at": None, "contact_id": None, "reason": None}
    others["suggested_contact"] = None
    assert contacts == {"email": "emails", "phone": "phones"} | others
    assert named("interactions", "due_at") == "next_action"
    assert [named("leads", alias) for alias in ("company_id", "contact_id", "reason")] == [
        *("company", "contact", "lost_reason"),
    ]
    assert {field for field in ALIASES.values() for fields in RULED.values() if field in fields} == {*ALIASES.values()}
    assert named("contacts", "custom.salary") == "custom.salary"
    wrong = ("version", "name.given", "custom.", "custom.Ä", "custom.a.b", "", "created_at")
    assert [named("contacts", field) for field in wrong] == [None] * len(wrong)
    assert named("users", "name") is None


def test_roles_are_ruled_as_the_log_says_from_position_to_position() -> None:
    interns = ("contacts", "title")
    defined = RoleDefined(
        key="interns", name="I", permissions=("contacts.read:all",), field_rules=(FieldRule(*interns, HIDDEN),)
    )
    log: list[Fact] = [
        fact(3, some_id(1), defined),
        fact(5, some_id(1), RoleChanged(name="Interns")),
        fact(7, some_id(1), RoleChanged(field_rules=(FieldRule(*interns, READ),))),
        fact(9, some_id(1), RoleChanged(permissions=("contacts.read:own",))),
        fact(11, some_id(1), RoleChanged(field_rules=())),
    ]
    seen = [list(spelt(fold(Access(), log[:count]).rights(["interns"]).fields)) for count in range(1, 6)]
    hidden, read = ([FieldRule(*interns, what)] for what in (HIDDEN, READ))
    assert seen == [hidden, hidden, read, read, []]
    assert fold(Access(), log[:3]).rights(["interns", "sales", "gone"]).fields == FREE


def test_a_tenant_without_rules_has_free_fields_whatever_the_roles() -> None:
    access_ = Access(defined={some_id(1): Defined("own", grants("contacts.read:own"), ruled(()))})
    assert access_.rights(["own", "sales"]) == Rights(access_.granted(["own", "sales"]))
