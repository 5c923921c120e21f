"""R2.6: what a caller sees and writes under field rules."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from commands.identity.access import Claims, Principal, speaking
from commands.visible import CONTACTS, View, view_of, view_of_kind
from domain.access import grants
from domain.authorization import Access, Defined, Member
from domain.field_rules import ALIASES, RULED, FieldAccess, access
from tests.given import TENANT, some_id

HIDDEN, READ, WRITE = FieldAccess
USER = some_id(1)

rules = st.dictionaries(
    st.sampled_from((*RULED["contacts"], "custom.salary", "custom.iban")), st.sampled_from(FieldAccess), max_size=8
)
values = st.one_of(st.none(), st.text(max_size=3), st.lists(st.integers(), max_size=2))
custom = st.dictionaries(st.sampled_from(("salary", "iban", "x")), values, max_size=3)
members = st.fixed_dictionaries(
    {"id": st.just("1"), "version": st.just(1)},
    optional=dict.fromkeys((*RULED["contacts"], *ALIASES, "score"), values) | {"custom": st.one_of(values, custom)},
)


def caller(*roles: dict[str, FieldAccess]) -> Principal:
    read = grants("contacts.read")
    defined = {some_id(9 + n): Defined(f"r{n}", read, {"contacts": each}) for n, each in enumerate(roles)}
    held = tuple(role.key for role in defined.values())
    state = Access(members={USER: Member(held)}, defined=defined)
    return speaking(state, Claims(TENANT, USER, UUID(int=0), 0), held)


def about(name: str) -> str:
    return ALIASES.get(name, name)


@given(rules, members)
def test_a_view_never_has_a_hidden_member_and_leaves_the_others_as_they_are(
    ruled: dict[str, FieldAccess], record: dict[str, Any]
) -> None:
    shown = View(ruled).shown(record)
    for name, value in record.items():
        if isinstance(value, dict):
            kept = {key: part for key, part in value.items() if access(ruled, f"custom.{key}") is not HIDDEN}
            assert shown.get(name, {}) == kept
        else:
            assert (name in shown) is (access(ruled, about(name)) is not HIDDEN)
            assert shown.get(name) == (value if name in shown else None)
    assert shown.keys() <= record.keys()


@given(rules, members)
def test_a_body_is_parted_into_what_may_be_written_and_refusals(
    ruled: dict[str, FieldAccess], body: dict[str, Any]
) -> None:
    good, refused = View(ruled).writable(body)
    assert {error.code for error in refused} <= {"field.not_writable"}
    assert len({error.message for error in refused}) <= 1, "of a hidden field no more is told than of another"
    told = {error.pointer for error in refused}
    for name, value in body.items():
        if isinstance(value, dict) and value:
            for key, part in value.items():
                writable = access(ruled, f"custom.{key}") is WRITE
                assert (f"/{name}/{key}" not in told) is writable
                assert not writable or good[name][key] == part
        else:
            assert (f"/{name}" in told) is (name not in good)
            assert name not in good or access(ruled, about(name)) is WRITE


@given(st.lists(rules, min_size=1, max_size=3), members)
def test_more_roles_show_more(ruled: list[dict[str, FieldAccess]], record: dict[str, Any]) -> None:
    together = view_of(caller(*ruled), CONTACTS).shown(record)
    for each in ruled:
        alone = View(each).shown(record)
        assert alone.keys() <= together.keys()


def test_paths_of_histories_and_events_are_about_their_fields() -> None:
    view = View({"name": HIDDEN, "company": HIDDEN, "external_ids": READ, "custom.salary": HIDDEN, "emails": HIDDEN})
    hidden = ("name.given", "name", "company_id", "company", "custom.salary", "email", "emails")
    shown = ("custom.iban", "external_ids.erp", "title", "version", "phones", "customs")
    assert all(map(view.hides, hidden))
    assert not any(map(view.hides, shown))


def test_custom_fields_can_be_cleared_as_a_whole_by_those_who_may_write_each() -> None:
    assert View({"custom.salary": READ, "title": HIDDEN}).writable({"custom": None, "tags": []})[0] == {"tags": []}
    assert View({"title": HIDDEN}).writable({"custom": None})[0] == {"custom": None}


def test_who_must_not_see_companies_sees_no_company_in_any_history() -> None:
    reader = caller({"company": HIDDEN, "title": HIDDEN})
    paths = ("name", "title", "tags", "company_id", "custom.x")

    def hidden(by: Principal, kind: str) -> set[str]:
        return {path for path in paths if view_of_kind(by, kind).hides(path)}

    assert hidden(reader, "company") == set(paths)
    assert view_of_kind(reader, "company").shown({"name": "Engines", "custom": {"x": 1}}) == {}
    assert hidden(reader, "contact") == {"title", "company_id"}
    assert hidden(reader, "user") == hidden(caller({}), "contact") == hidden(caller({}), "company") == set()
