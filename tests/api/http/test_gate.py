"""R2.2, R2.6: whom an operation lets in."""

import pytest

from api.http.gate import holds
from api.http.operation import Operation
from commands.identity.access import Claims, speaking
from domain.access import grants
from domain.authorization import Access, Defined, Member
from tests.given import TENANT, some_id

USER = some_id(1)


def operation(*, scoped: bool) -> Operation:
    return Operation(summary="x", tag="x", permission="contacts.read", answers={}, scoped=scoped)


@pytest.mark.parametrize(
    ("held", "unscoped", "scoped"),
    [
        ("contacts.read:all", True, True),
        ("contacts.read:team", False, True),
        ("contacts.read:own", False, True),
        ("contacts.write:all", False, False),
    ],
)
def test_a_scope_that_a_route_does_not_look_at_lets_nobody_in(held: str, unscoped: bool, scoped: bool) -> None:
    access = Access(members={USER: Member(("r",))}, defined={some_id(2): Defined("r", grants(held))})
    caller = speaking(access, Claims(TENANT, USER, some_id(3), 0), ("r",))
    assert (holds(caller, operation(scoped=False)), holds(caller, operation(scoped=True))) == (unscoped, scoped)
