"""What can be asked of a tenant's settings: to change them. Pure: state in, events out."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from commands import zones
from commands.decision import Decision, Given
from commands.normalise import Problems
from domain.money import is_currency
from domain.tenant_settings import USUAL, SettingsChanged, TenantSettings

_RANGES = {"inactivity_days": (1, 3650), "digest_hour": (0, 23)}


class ChangeSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch (RFC 7396) of the settings: absent members stay, null makes one as usual again."""

    timezone: str | UnsetType | None = UNSET
    currency: str | UnsetType | None = UNSET
    inactivity_days: int | UnsetType | None = UNSET
    digest_hour: int | UnsetType | None = UNSET


def change(command: ChangeSettings, given: Given[TenantSettings]) -> Decision:
    """Other settings than before; nothing when they are the same.

    Raises:
        InvalidError: one of them makes no sense.
    """
    problems = Problems(given.errors)
    before = given.state or TenantSettings(id=given.stream_id)
    asked = {name: value for name, value in structs.asdict(command).items() if value is not UNSET}
    for name, value in asked.items():
        if value is None:
            asked[name] = getattr(USUAL, name)
        else:
            _check(name, value, problems)
    problems.raise_if_any()
    changed = {name: value for name, value in asked.items() if value != getattr(before, name)}
    # The first change is stored also where it says nothing new: from then on there are settings that have a version.
    return Decision(events=(SettingsChanged(**changed),)) if changed or not given.state else Decision()


def _check(name: str, value: Any, problems: Problems) -> None:
    if name == "timezone":
        zones.timezone(value, problems)
    elif name == "currency" and not is_currency(value):
        problems.add(
            "/currency", "money.currency", "is no currency of ISO 4217: send its three capital letters, like EUR"
        )
    elif name in _RANGES:
        least, most = _RANGES[name]
        if not least <= value <= most:
            problems.add(f"/{name}", "value.out_of_range", f"has to be {least} to {most}")
