"""R2.1: what roles allow."""

from domain.access import BUILT_IN_ROLES, PERMISSIONS, permissions_of


def test_an_admin_may_do_everything() -> None:
    assert permissions_of(["admin"]) == PERMISSIONS.keys()


def test_roles_add_up() -> None:
    assert permissions_of(["admin", "nobody"]) == permissions_of(["admin"])


def test_no_role_and_a_role_that_is_not_known_allow_nothing() -> None:
    assert permissions_of([]) == frozenset()
    assert permissions_of(["nobody"]) == frozenset()


def test_roles_hold_only_permissions_that_there_are() -> None:
    unknown = {role: held - PERMISSIONS.keys() for role, held in BUILT_IN_ROLES.items() if held - PERMISSIONS.keys()}
    assert unknown == {}


def test_every_permission_is_resource_dot_act_and_says_what_it_is_for() -> None:
    assert all(name.count(".") == 1 and words for name, words in PERMISSIONS.items())
