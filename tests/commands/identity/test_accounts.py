"""R1.1, R3.4: signing up, before anything is stored."""

import pytest

from commands.decision import Decision, Given
from commands.identity import accounts as identity
from commands.identity.accounts import NewTenant
from commands.normalise import Problems
from domain.tenant import PLATFORM, Tenant, TenantRegistered
from domain.user import UserRegistered
from tests.given import START, TENANT, some_id

USER = some_id(1)
GOOD = {
    "tenant_name": "Engines Ltd",
    "name": "Grace Hopper",
    "email": "grace@engines.example",
    "password": "correct horse battery staple",
}


def checked(**members: object) -> tuple[dict[str, str], dict[str, str]]:
    """What was found, and pointer to code of what is wrong."""
    problems = Problems()
    found = identity.check(GOOD | members, problems)
    return found, {error.pointer: error.code for error in problems.errors}


def signed_up(email: str = "Grace@Engines.Example") -> Decision:
    command = NewTenant(tenant_name="Engines Ltd", name="Grace", email=email, password_hash="x", user_id=USER)
    known: Given[Tenant] = Given(
        tenant_id=TENANT, stream_id=TENANT, state=None, now=START, new_id=lambda: USER, caller=USER, found={}
    )
    return identity.register(command, known)


def test_a_sign_up_is_a_tenant_and_its_admin_in_one_append() -> None:
    decision = signed_up()

    (related,) = decision.related
    (user,) = related.events
    assert decision.events == (TenantRegistered(name="Engines Ltd"),)
    assert (related.stream_id, related.after) == (USER, 0)
    assert isinstance(user, UserRegistered)
    assert user.roles == ("admin",)


def test_the_email_is_claimed_in_the_whole_installation_whatever_its_case() -> None:
    (claim,) = signed_up().claims
    assert (claim.tenant_id, claim.stream_id) == (PLATFORM, USER)
    assert signed_up("grace@engines.example").claims == (claim,)


def test_what_is_good_comes_in_normal_form() -> None:
    found, problems = checked(tenant_name="  Engines   Ltd ", email=" grace@ENGINES.example")
    assert found == GOOD
    assert problems == {}


def test_a_password_is_taken_as_it_is() -> None:
    found, _ = checked(password="  ten spaces \x00 and more ")
    assert found["password"] == "  ten spaces \x00 and more "


def test_every_bad_field_is_named_at_once() -> None:
    _, problems = checked(tenant_name=" ", name="G\x00", email="nobody", password="too short")
    assert problems == {
        "/tenant_name": "field.blank",
        "/name": "text.control_character",
        "/email": "email.invalid",
        "/password": "password.too_short",
    }


@pytest.mark.parametrize(
    ("length", "codes"), [(9, ["password.too_short"]), (10, []), (1024, []), (1025, ["password.too_long"])]
)
def test_passwords_have_bounds(length: int, codes: list[str]) -> None:
    assert list(checked(password="x" * length)[1].values()) == codes


def test_members_that_could_not_be_read_are_left_to_whoever_read_them() -> None:
    problems = Problems()
    assert identity.check({"name": "Grace Hopper"}, problems) == {"name": "Grace Hopper"}
    assert problems.errors == []
