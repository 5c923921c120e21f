"""Time zones by the names of the tz database."""

from functools import cache
from zoneinfo import available_timezones

from commands.normalise import Problems


def timezone(text: str, problems: Problems) -> str:
    """A time zone as it was sent, which has to be one."""
    if text not in known():
        problems.add("/timezone", "timezone.unknown", "is no time zone like Europe/Berlin")
    return text


@cache
def known() -> frozenset[str]:
    """The names of all time zones. That of this machine is none that means the same to the database."""
    return frozenset(available_timezones() - {"localtime"})
