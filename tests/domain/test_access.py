"""R2.1, R2.6: what roles allow, and how far."""

import pytest

from domain.access import ADMIN, BUILT_IN_ROLES, PERMISSIONS, SCOPED, Scope, grants, spelt, union


def test_an_admin_may_do_everything_with_every_record() -> None:
    assert BUILT_IN_ROLES[ADMIN] == dict.fromkeys(PERMISSIONS, Scope.ALL)


def test_sales_sees_all_contacts_and_changes_those_of_its_teams() -> None:
    sales = BUILT_IN_ROLES["sales"]
    assert (sales["contacts.read"], sales["contacts.write"]) == (Scope.ALL, Scope.TEAM)
    assert sales["interactions.write"] is Scope.OWN
    assert not sales.keys() & {"contacts.delete", "contacts.export", "users.manage", "roles.manage"}


def test_marketing_exports_contacts_and_does_not_delete_them() -> None:
    marketing = BUILT_IN_ROLES["marketing"]
    assert marketing["contacts.export"] is Scope.ALL
    assert not marketing.keys() & {"contacts.delete", "users.read", "leads.convert"}


def test_a_manager_works_with_all_records_and_manages_no_users() -> None:
    manager = BUILT_IN_ROLES["manager"]
    assert {name for name, scope in manager.items() if name in SCOPED and scope is Scope.ALL} == SCOPED
    assert not {name for name in manager if name.endswith(".manage")}


def test_of_several_roles_the_widest_scope_holds() -> None:
    both = union([grants("leads.write:own", "reports.read"), grants("leads.write:team")])
    assert both == {"leads.write": Scope.TEAM, "reports.read": Scope.ALL}
    assert union([]) == {}


def test_grants_are_spelt_with_their_scope_where_they_have_one() -> None:
    assert spelt(grants("reports.read", "leads.write:own", "contacts.read")) == [
        "contacts.read:all",
        "leads.write:own",
        "reports.read",
    ]
    assert all(grants(*spelt(held)) == held for held in BUILT_IN_ROLES.values())


@pytest.mark.parametrize(
    "text", ["", "contacts", "contacts.fly", "*", "contacts.read:most", "reports.read:own", "x.*:all"]
)
def test_what_is_no_permission_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"permission|scope"):
        grants(text)


def test_every_permission_is_resource_dot_act_and_says_what_it_is_for() -> None:
    assert all(name.count(".") == 1 and words for name, words in PERMISSIONS.items())
