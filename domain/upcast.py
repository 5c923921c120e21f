"""Old versions of events, brought to the newest one as they are read: the log itself is never rewritten.

A step stands beside the event that it leads to, is pure, and works on what JSON gives (dicts, lists, strings):

    @upcaster("contact.registered.v1", personal={"name": ""})
    def _names_have_parts(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"name": {"display": data["name"]}}

    class ContactRegistered(Event, topic='contact.registered.v2', data_class='contact'): ...

Steps are chained (v1 to v2 to v3), so each is written once, and none is changed when the next version comes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class _Old(Struct, frozen=True):
    upcast: Upcast
    personal: Mapping[str, Any]


OLD: dict[str, _Old] = {}
"""Every topic that is stored no more and still read."""


def upcaster(topic: str, *, personal: Mapping[str, Any] | None = None) -> Callable[[Upcast], Upcast]:
    """Register how data under an old topic become data of the next version.

    `personal` names the members that were personal in that version, each with what it shows once its key is
    destroyed: the class that said so is gone.

    Raises:
        TypeError: the topic has a step already, or no version.
    """
    successor(topic)

    def register(upcast: Upcast) -> Upcast:
        if topic in OLD:
            raise TypeError(f"topic {topic!r} has an upcaster already: {OLD[topic].upcast!r}")
        OLD[topic] = _Old(upcast, personal or {})
        return upcast

    return register


def successor(topic: str) -> str:
    """The same topic in its next version.

    Raises:
        TypeError: it has none, like "contact.registered".
    """
    name, dot, version = topic.rpartition(".v")
    if not dot or not version.isdecimal():
        raise TypeError(f"topic {topic!r} does not end in a version, like .v1")
    return f"{name}.v{int(version) + 1}"


def to_newest(topic: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Topic and data after every step that there is; the same when there is none."""
    while old := OLD.get(topic):
        topic, data = successor(topic), old.upcast(data)
    return topic, data
