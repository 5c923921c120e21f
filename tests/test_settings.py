"""Settings are read once, and what can't be used is said at once."""

from pathlib import Path
from uuid import UUID

import pytest

from commands.limits import AUTH, READ, SEARCH, Limit
from infra.wiring import master_of
from settings import SettingsError, from_environment

ONE, OTHER = "one-master-key-of-32-characters-at-least", "another-master-key-of-32-characters"
SECRET = {"RAPPORT_SECRET": "the installation's secret, 32 characters"}


def test_master_keys_come_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    """N-S1."""
    file = tmp_path / "master"
    file.write_text(f"{ONE}\n{OTHER}\n")
    from_file = master_of(from_environment({**SECRET, "RAPPORT_MASTER_KEY_FILE": str(file)}))
    from_variable = master_of(from_environment({**SECRET, "RAPPORT_MASTER_KEY": f"{ONE} {OTHER}"}))
    assert from_file.current == from_variable.current
    assert from_file.current != master_of(from_environment({**SECRET, "RAPPORT_MASTER_KEY": OTHER})).current


def test_what_the_secrets_own_master_key_wrapped_stays_readable_under_another() -> None:
    before = master_of(from_environment(SECRET))
    after = master_of(from_environment({**SECRET, "RAPPORT_MASTER_KEY": ONE}))
    name, wrapped = before.wrap(b"k" * 32, b"label")
    assert name == before.current != after.current
    assert after.unwrap(name, wrapped, b"label") == b"k" * 32


@pytest.mark.parametrize(
    "environment",
    [
        {"RAPPORT_MASTER_KEY": ""},
        {"RAPPORT_MASTER_KEY": "short"},
        {"RAPPORT_MASTER_KEY": f"{ONE} short"},
        {"RAPPORT_MASTER_KEY_FILE": "/nowhere/at/all"},
        {"RAPPORT_MASTER_KEY": ONE, "RAPPORT_MASTER_KEY_FILE": "/nowhere/at/all"},
    ],
)
def test_a_master_key_that_cannot_be_used_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"master key|RAPPORT_MASTER_KEY"):
        from_environment({**SECRET, **environment})


def test_limits_differ_by_kind_of_route_and_by_plan() -> None:
    """R7.1."""
    large, small = "0197a000-0000-7000-8000-000000000001", "0197a000-0000-7000-8000-000000000002"
    environment = {
        "RAPPORT_RATE_LIMIT_USER": "1000/60 search=100/30 auth=off",
        "RAPPORT_PLANS": f"large:{large} trial:{small}",
        "RAPPORT_RATE_LIMIT_USER_LARGE": "off",
        "RAPPORT_RATE_LIMIT_TENANT_TRIAL": "10/1",
        "RAPPORT_RATE_LIMIT_AUTH": "off",
    }
    limits = from_environment({**SECRET, **environment}).limits
    usual = limits.plan(UUID(int=0))
    kinds = (READ, SEARCH, AUTH)
    assert [usual.user.of(kind) for kind in kinds] == [Limit("user", 1000, 60), Limit("user-search", 100, 30), None]
    assert usual.tenant.of(READ) == Limit("tenant", 12_000, 60)
    assert limits.plan(UUID(large)).user.of(SEARCH) is None
    assert limits.plan(UUID(large)).tenant == usual.tenant
    assert limits.plan(UUID(small)).tenant.of(READ) == Limit("tenant", 10, 1)
    assert (limits.auth, limits.address) == (None, Limit("address", 600, 60))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAPPORT_RATE_LIMIT_AUTH", "30"),
        ("RAPPORT_RATE_LIMIT_ADDRESS", "0/60"),
        ("RAPPORT_RATE_LIMIT_USER", "1/60 serach=1/60"),
        ("RAPPORT_RATE_LIMIT_USER", ""),
        ("RAPPORT_PLANS", "large:nobody"),
        ("RAPPORT_TRUSTED_PROXIES", "10.0.0.0/99"),
    ],
)
def test_a_limit_that_cannot_be_used_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({**SECRET, name: value})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RAPPORT_SECRET", "short"),
        ("RAPPORT_LOG_LEVEL", "loud"),
        ("RAPPORT_SEARCH", "solr"),
        ("RAPPORT_ACCESS_TTL", "99999999999999999999"),
        ("RAPPORT_REFRESH_TTL", "99999999999999999999"),
        ("RAPPORT_BCRYPT_COST", "32"),
        ("RAPPORT_SWEEP_SECONDS", "61"),
        ("RAPPORT_NATS_URL", "nats.example.com:4222"),
        ("RAPPORT_VALKEY_URL", "valkey.example.com:6379"),
        ("RAPPORT_OPENSEARCH_URL", "opensearch.example.com:9200"),
    ],
)
def test_what_no_role_could_work_with_is_refused_before_anything_starts(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({**SECRET, name: text})


def test_what_is_said_of_an_address_does_not_repeat_its_password() -> None:
    with pytest.raises(SettingsError) as refused:
        from_environment({**SECRET, "RAPPORT_VALKEY_URL": "someone:swordfish@valkey.example.com"})
    assert "swordfish" not in str(refused.value)


@pytest.mark.parametrize("name", ["RAPPORT_SECRET", "RAPPORT_NATS_URL", "RAPPORT_VALKEY_URL", "RAPPORT_OPENSEARCH_URL"])
def test_an_empty_variable_is_one_that_is_not_set(name: str) -> None:
    assert from_environment({name: ""}) == from_environment({})
