"""Reads headers of e-mails, whatever state they are in: what can't be read is as good as missing. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from msgspec import Struct

from commands.inbound.text import decoded, line
from commands.interactions.interaction import MOST_PARTICIPANTS
from commands.normalise import END_OF_TIME

_LONGEST = 65_536
_LONGEST_NAME, _LONGEST_ADDRESS = 200, 320
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")


class Address(Struct, frozen=True):
    """Somebody in a header: what they are called there, and the address as it stands there."""

    name: str | None
    address: str


def first(message: Message, name: str) -> str:
    """A header's first value, as it stands; of one that stands twice, the others say nothing."""
    return next(values(message, (name,)), "")


def values(message: Message, names: Iterable[str]) -> Iterator[str]:
    """What headers of these names say, as it stands, each cut off where no sound one is so long."""
    wanted = set(names)
    for name, value in message.raw_items():
        if name.lower() in wanted:
            yield str(value)[:_LONGEST]


def unfolded(text: str) -> str:
    """A header as it is read: words that were encoded (RFC 2047), without what broke it into lines."""
    try:
        parts = decode_header(" ".join(text.split()))
    except (MessageError, ValueError, LookupError, AttributeError):  # binascii.Error is one of the second
        return text
    found = [part if isinstance(part, str) else _word(part, charset) for part, charset in parts]
    return "".join(found)


def _word(part: bytes, charset: str | None) -> str:
    # What was not encoded comes as bytes too, in which a character of its own is written as an escape.
    return decoded(part, charset) if charset else part.decode("raw-unicode-escape", "replace")


def addresses(message: Message, names: Iterable[str]) -> Iterator[Address]:
    """Who is in headers, each once; groups are those in them."""
    seen: set[str] = set()
    try:
        found = getaddresses(list(values(message, names)))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        found = []
    for name, text in found:
        address = line(text, _LONGEST_ADDRESS)
        if address is None or "@" not in address or address.lower() in seen:
            continue
        seen.add(address.lower())
        yield Address(line(unfolded(name), _LONGEST_NAME), address)
        if len(seen) == MOST_PARTICIPANTS:
            return


def time(message: Message) -> datetime | None:
    """When it was sent: by its date, else by the first that received it last; None where neither can be read."""
    received = [value.rpartition(";")[2] for value in values(message, ("received",))]
    for text in (first(message, "date"), *received[:1]):
        try:
            found = parsedate_to_datetime(text.strip())
            at = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if _EARLIEST <= at < END_OF_TIME:
            return at
    return None


def ids(text: str) -> list[str]:
    """The Message-IDs in a header, in their order."""
    return _MESSAGE_ID.findall(text)


def parameter(part: Message, name: str, header: str) -> str | None:
    """A parameter of a header (RFC 2231); None where it can't be read."""
    try:
        value = part.get_param(name, None, header)
    except (ValueError, LookupError, TypeError, AttributeError):  # the library's own words for a broken one
        return None
    if isinstance(value, tuple):
        charset, _, text = value
        return decoded(str(text).encode("latin-1", "replace"), charset or None)
    return str(value) if value else None
