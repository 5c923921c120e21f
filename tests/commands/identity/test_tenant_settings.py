from typing import Any

import msgspec
import pytest

from commands.decision import Given
from commands.identity import tenant_settings
from commands.identity.tenant_settings import ChangeSettings
from domain.errors import InvalidError
from domain.tenant_settings import Settings, TenantSettings, evolve, settings_id
from tests.given import CALLER, START, TENANT, some_id

ID = settings_id(TENANT)


def change(state: TenantSettings | None = None, **members: Any) -> TenantSettings:
    given: Given[TenantSettings] = Given(
        tenant_id=TENANT, stream_id=ID, state=state, now=START, new_id=lambda: some_id(1), caller=CALLER, found={}
    )
    for event in tenant_settings.change(msgspec.convert(members, ChangeSettings), given).events:
        state = evolve(state, event, stream_id=ID, at=START)
    assert state
    return state


def values(state: Settings) -> tuple[Any, ...]:
    return tuple(getattr(state, name) for name in Settings.__struct_fields__)


def test_what_was_never_set_is_as_usual() -> None:
    assert values(Settings()) == ("UTC", "EUR", 30, 7)
    assert values(change(inactivity_days=14)) == ("UTC", "EUR", 14, 7)


def test_a_patch_changes_what_it_names_and_null_makes_it_as_usual_again() -> None:
    state = change(timezone="Europe/Berlin", currency="USD", inactivity_days=14, digest_hour=0)
    assert values(state) == ("Europe/Berlin", "USD", 14, 0)
    after = change(state, inactivity_days=None, digest_hour=23)
    assert (values(after), after.version) == (("Europe/Berlin", "USD", 30, 23), 2)


def test_the_same_settings_again_change_nothing() -> None:
    state = change(currency="USD")
    assert change(state, currency="USD", inactivity_days=30).version == 1


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("timezone", "Berlin", "timezone.unknown"),
        ("timezone", "", "timezone.unknown"),
        ("timezone", "../../etc/passwd", "timezone.unknown"),
        ("currency", "euro", "money.currency"),
        ("currency", "ZZZ", "money.currency"),
        ("inactivity_days", 0, "value.out_of_range"),
        ("inactivity_days", 3651, "value.out_of_range"),
        ("digest_hour", -1, "value.out_of_range"),
        ("digest_hour", 24, "value.out_of_range"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(member: str, value: Any, code: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        change(**{member: value})
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [(f"/{member}", code)]
