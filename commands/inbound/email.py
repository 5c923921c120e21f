"""Reads an e-mail (RFC 5322, MIME) with the standard library, whatever state it is in. Pure.

Nothing in a message is trusted: what can't be read is left out, and what has no end is cut off. So each has an answer.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from hashlib import blake2b, sha256
from typing import Any

from msgspec import Struct

from commands.inbound.headers import Address, addresses, first, ids, parameter, time, unfolded
from commands.inbound.text import block, decoded, line, of_html
from commands.interactions.interaction import LONGEST_BODY, LONGEST_ID, LONGEST_SUBJECT, MOST_ATTACHMENTS

_MOST_LINES = 1_000_000
_MOST_STEPS = 10_000_000
"""Reading a message looks at every line for the end of each part that holds others."""
_LONGEST_UNREAD = 1_000_000
_MOST_PARTS = 1000
_MOST_LOOKED_FOR = 20
_CONTAINER = re.compile(rb"^content-type[ \t]*:[ \t\r\n]*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_BASE64_BLANK = re.compile(r"[\s=]")
_POLICY = policy.compat32  # gives headers as they stand; the newer one fails on some that are broken


class File(Struct, frozen=True):
    """A part that is not the text; `size` in bytes, about."""

    name: str | None
    media_type: str
    size: int


class Email(Struct, frozen=True, kw_only=True):
    """What a message says. `known_as` is its Message-ID or, without one, a digest of what it says.

    `thread_id` is the same for all that refer to the same first message; `answers` are the Message-IDs that it refers
    to, the nearest first.
    """

    sender: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    sent_at: datetime | None
    subject: str | None
    text: str | None
    files: tuple[File, ...]
    known_as: str
    thread_id: str
    answers: tuple[str, ...]


def read(raw: bytes) -> Email:
    """What a message says, whatever state it is in."""
    message, text, files = _parsed(raw)
    sender = next(addresses(message, ("from",)), None) or next(addresses(message, ("sender", "reply-to")), None)
    to, cc = tuple(addresses(message, ("to",))), tuple(addresses(message, ("cc",)))
    subject = line(unfolded(first(message, "subject")), LONGEST_SUBJECT)
    sent_at = time(message)
    own = ids(first(message, "message-id"))[:1]
    known_as = _kept(own[0]) if own else _digest(raw, sender, to, subject, sent_at, text)
    references = ids(first(message, "references"))
    answers = list(dict.fromkeys((*ids(first(message, "in-reply-to")), *reversed(references))))
    root = next(iter((*references, *answers)), known_as)
    return Email(
        sender=sender,
        to=to,
        cc=cc,
        sent_at=sent_at,
        subject=subject,
        text=text,
        files=files,
        known_as=known_as,
        thread_id=blake2b(root.encode("utf-8", "replace"), digest_size=16).hexdigest(),
        answers=tuple(_kept(each) for each in answers[:_MOST_LOOKED_FOR]),
    )


def _parsed(raw: bytes) -> tuple[Message, str | None, tuple[File, ...]]:
    """A message, its text and its files. Of one that would take too long to take apart, the text is as it stands."""
    with suppress(RecursionError):
        if _is_bearable(raw):
            message = BytesParser(policy=_POLICY).parsebytes(raw)
            parts = list(_parts(message))
            return message, _text(parts), _files(parts)
    message = BytesHeaderParser(policy=_POLICY).parsebytes(raw[:_LONGEST_UNREAD])
    return message, block(str(message.get_payload()), LONGEST_BODY), ()


def _is_bearable(raw: bytes) -> bool:
    lines = raw.count(b"\n")
    return lines <= _MOST_LINES and lines * sum(1 for _ in _CONTAINER.finditer(raw)) <= _MOST_STEPS


def _parts(message: Message) -> Iterator[Message]:
    """The parts that hold no others, in their order. A message within the message is one part."""
    left: list[Any] = [message]
    seen = 0
    while left and seen < _MOST_PARTS:
        part = left.pop()
        seen += 1
        inner = part.get_payload()
        if isinstance(inner, list) and part.get_content_maintype() == "multipart":
            left.extend(reversed(inner))
        else:
            yield part


def _text(parts: Sequence[Message]) -> str | None:
    """The text: of the first part that is plain, else of the first page."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and not _is_file(part):
                text = _content(part)
                return block(of_html(text) if kind == "text/html" else text, LONGEST_BODY)
    # Parts that nothing separates are one text.
    broken = (str(part.get_payload()) for part in parts if part.get_content_maintype() == "multipart")
    return block("\n".join(broken), LONGEST_BODY)


def _content(part: Message) -> str:
    payload = _decoded_payload(part)
    charset = parameter(part, "charset", "content-type")
    return decoded(payload, charset)


def _decoded_payload(part: Message) -> bytes:
    try:
        payload: Any = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):  # an encoding that is not what it says
        payload = str(part.get_payload()).encode("utf-8", "surrogateescape")
    return payload if isinstance(payload, bytes) else b""


def _files(parts: Sequence[Message]) -> tuple[File, ...]:
    """What came beside the text, in its order."""
    found: list[File] = []
    has_text = {"text/plain": False, "text/html": False}
    for part in parts:
        kind = part.get_content_type()
        if kind in has_text and not has_text[kind] and not _is_file(part):
            has_text[kind] = True
            continue
        if part.get_content_maintype() == "multipart":
            continue
        media_type = line(kind, LONGEST_ID) or "application/octet-stream"
        found.append(File(line(_file_name(part), LONGEST_ID), media_type, _size(part)))
        if len(found) == MOST_ATTACHMENTS:
            break
    return tuple(found)


def _is_file(part: Message) -> bool:
    disposition = str(part.get("content-disposition", "")).strip().lower()
    return disposition.startswith("attachment") or bool(_file_name(part))


def _file_name(part: Message) -> str:
    name = parameter(part, "filename", "content-disposition") or parameter(part, "name", "content-type")
    return unfolded(name or "")


def _size(part: Message) -> int:
    payload: Any = part.get_payload()
    if isinstance(payload, list):
        return sum(_size(inner) for inner in payload[:1] if not isinstance(inner.get_payload(), list))
    text = str(payload or "")
    if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
        return len(_BASE64_BLANK.sub("", text)) * 3 // 4
    return len(text.encode("utf-8", "surrogateescape"))


def _kept(message_id: str) -> str:
    """A Message-ID as it is kept; one that is too long, as its digest."""
    if len(message_id) <= LONGEST_ID and message_id.isascii() and message_id.isprintable():
        return message_id
    return f"sha256:{sha256(message_id.encode('utf-8', 'surrogateescape')).hexdigest()}"


def _digest(
    raw: bytes,
    sender: Address | None,
    to: Sequence[Address],
    subject: str | None,
    sent_at: datetime | None,
    text: str | None,
) -> str:
    """What a message without an id is known by: what it says, for it may come by several ways, each with its traces."""
    said = (sender.address if sender else "", *(each.address for each in to), subject or "", str(sent_at), text or "")
    whole = raw if not said[0] and sent_at is None else "\0".join(said).encode("utf-8", "surrogateescape")
    return f"sha256:{sha256(whole).hexdigest()}"
