"""Settings are read once, and what can't be used is said at once."""

from pathlib import Path

import pytest

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
