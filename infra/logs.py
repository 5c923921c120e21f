"""Logs: one JSON object a line on stderr, with whatever was bound to the request; never personal data.

Of an exception that is its kind and where it was raised. Messages, which may quote what was to be written, stay out.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import msgspec
import structlog

from domain.errors import kind_of

_MOST_FRAMES = 40


def configure(level: str, role: str) -> None:
    """Set up logging for this process."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _of_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_role(role),
            tell_exception,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library: warnings and worse, in the same form.
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    # It warns of every request that fails, with a trace; what that means is ours to say.
    logging.getLogger("opensearch").setLevel(logging.CRITICAL)


def _of_request(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What is known of the request by now: bound as one mapping, since each binding costs every request its time."""
    event.update(event.pop("request", ()))
    return event


def _add_role(role: str) -> structlog.typing.Processor:
    def add(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["role"] = role
        return event

    return add


def tell_exception(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A structlog processor: `exc_info` becomes `exception`, a list with the error first and then what led to it.

    Shape of each: {"kind": "ValueError", "frames": ["/path/file.py:12 function", ...]}, the innermost frame last.
    """
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else None
    if error is None and given:
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = [{"kind": kind_of(each), "frames": _frames(each)} for each in _chain(error)]
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, those that it is a group of, and those that it came from."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        if cause := each.__cause__ or (None if each.__suppress_context__ else each.__context__):
            waiting.append(cause)


def _frames(error: BaseException) -> list[str]:
    frames = [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return frames[-_MOST_FRAMES:]


def _render(_: Any, __: str, event: structlog.typing.EventDict) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library", logger=record.name, message=_message(record), exc_info=record.exc_info
        )


def _message(record: logging.LogRecord) -> str:
    """What a library says. Of errors in it their kinds; and its first line, for asyncio writes errors into others."""
    if isinstance(record.args, tuple):
        record.args = tuple(kind_of(each) if isinstance(each, BaseException) else each for each in record.args)
    return record.getMessage().partition("\n")[0]
