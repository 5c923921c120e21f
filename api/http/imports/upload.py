"""Takes an upload in as it arrives: parts of a form (RFC 7578), of which the file is never in memory as a whole."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from api.http.exchange import HttpRequest
from api.http.gate import header
from api.http.reading import Readable, body
from commands.imports.file import Intake
from domain.errors import DomainError, FieldError, InvalidError
from domain.imports import Policy

_BLOCK = 262_144
_MOST_OPTIONS = 16_384
_DRAINED = 67_108_864
_BESIDE = 65_536
"""Of a form that is not its file."""
_DELIMITERS = (",", ";", "\t", "|")


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to become of a file.

    `encoding` and `delimiter` are found out where they are not given; to be heeded they stand before the file.
    `country` (two letters) is that of phone numbers without country code.
    """

    policy: Policy = Policy.SKIP
    auto_start: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    country: str | None = None


class Upload(Struct):
    """What came: the options, the file's name, and what was found out about it."""

    options: Options
    file_name: str | None
    intake: Intake
    digest: bytes


class Receiving:
    """Receives one upload. `keep` is given each portion of rows with its number, as it is full."""

    def __init__(self, request: HttpRequest, most: int, keep: Callable[[int, bytes], Awaitable[None]]) -> None:
        self._request = request
        self._most = most
        self._keep = keep
        self._options: Options | None = None
        self._intake: Intake | None = None
        self._file_name: str | None = None
        self._digest = hashlib.sha256()
        self._part = ""
        self._text = b""
        self._block = bytearray()
        self._size = 0
        self._kept = 0
        self._more = True

    async def receive(self, *, patience: float) -> Upload:
        """Take it all in; a block of it has `patience` seconds to come.

        Raises:
            DomainError: body.* or import.*, it is refused. What was sent is read to its end all the same, up to some
                size, so that the client gets to see why.
        """
        try:
            return await self._received(patience)
        except DomainError:
            await self._drain(patience)
            raise

    async def _received(self, patience: float) -> Upload:
        if int(header(self._request, b"content-length") or 0) > self._most + _BESIDE:
            raise self._too_large()
        try:
            with PushMultipartParser(_boundary(self._request), max_segment_count=8, strict=True) as parser:
                while self._more:
                    for part in parser.parse(await self._next(patience)):
                        await self._take(part)
        except MultipartError:
            raise _malformed("is no complete multipart/form-data") from None
        if self._intake is None:
            raise InvalidError([FieldError("/file", "field.required", "is missing")])
        await self._feed(b"", last=True)
        return Upload(self._options or Options(), self._file_name, self._intake, self._digest.digest())

    async def _next(self, patience: float) -> bytes:
        try:
            async with asyncio.timeout(patience):
                message: Any = await self._request.receive()
        except TimeoutError:
            raise DomainError(
                "body.timeout",
                f"nothing of the file has come for {patience:g} seconds",
                hint="Send it again, from a better connection.",
            ) from None
        if message["type"] == "http.disconnect":
            self._more = False
            raise DomainError("request.invalid", "the body ended before its declared length")
        chunk: bytes = message.get("body", b"")
        self._more = bool(message.get("more_body", False))
        self._size += len(chunk)
        self._digest.update(chunk)
        if self._size > self._most + _BESIDE:
            raise self._too_large()
        return chunk

    async def _take(self, part: MultipartSegment | bytearray | bytes | None) -> None:
        if isinstance(part, MultipartSegment):
            self._begin(part)
        elif part is None:
            self._end()
        elif self._part == "file":
            self._block += part
            if len(self._block) >= _BLOCK:
                await self._flush()
        else:
            self._text += part
            if len(self._text) > _MOST_OPTIONS:
                raise DomainError("body.too_large", "the options are too long", hint="Send less at once.")

    def _begin(self, segment: MultipartSegment) -> None:
        self._part, self._text = segment.name or "", b""
        if self._part == "file":
            if self._intake is not None:
                raise _malformed("has the part file twice")
            options = self._options or Options()
            self._intake = Intake(options.encoding, options.delimiter)
            self._file_name = (segment.filename or "").strip()[:200] or None
        elif self._part != "options":
            problem = FieldError(f"/{self._part}", "field.unknown", "is not a known member; known are file, options")
            raise InvalidError([problem])

    def _end(self) -> None:
        if self._part != "options":
            return
        read: Readable[Options] = body(self._text, Options)
        errors = [_of_options(error) for error in (*read.errors, *_wrong(read.value))]
        if errors:
            raise InvalidError(errors)
        self._options = read.value

    async def _flush(self) -> None:
        block, self._block = bytes(self._block), bytearray()
        await self._feed(block)

    async def _feed(self, block: bytes, *, last: bool = False) -> None:
        """Parse a block off the loop, and keep what is full."""
        assert self._intake is not None  # noqa: S101  a part has begun
        if last and self._block:
            await self._flush()
        full: Sequence[bytes] = await asyncio.to_thread(self._intake.finish if last else self._parse(block))
        for portion in full:
            await self._keep(self._kept, portion)
            self._kept += 1

    def _parse(self, block: bytes) -> Callable[[], list[bytes]]:
        intake = self._intake
        assert intake is not None  # noqa: S101  as above
        return lambda: intake.feed(block)

    def _too_large(self) -> DomainError:
        text = f"the file has more than {self._most // 1_048_576} MB"
        return DomainError("body.too_large", text, hint="Send it in several files.")

    async def _drain(self, patience: float) -> None:
        left = _DRAINED
        try:
            async with asyncio.timeout(patience):
                while self._more and left > 0:
                    message: Any = await self._request.receive()
                    left -= len(message.get("body", b""))
                    self._more = message["type"] != "http.disconnect" and bool(message.get("more_body", False))
        except TimeoutError:
            return


def _boundary(request: HttpRequest) -> str:
    kind = header(request, b"content-type") or ""
    media, _, rest = kind.partition(";")
    if media.strip().lower() != "multipart/form-data":
        raise DomainError(
            "body.media_type",
            f"the media type {media.strip() or '(none)'} is not taken here",
            hint="Send the header Content-Type: multipart/form-data, as a form with the parts file and options does.",
        )
    for parameter in rest.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "boundary" and value.strip('"'):
            return value.strip('"')
    raise _malformed("has no boundary")


def _malformed(what: str) -> DomainError:
    return DomainError("body.malformed", f"the body {what}", hint="Send a form with the parts file and options.")


def _wrong(options: Options) -> list[FieldError]:
    found = []
    if options.delimiter not in {None, *_DELIMITERS}:
        found.append(FieldError("/delimiter", "value.not_allowed", "is not one of comma, semicolon, tab and |"))
    country = options.country
    if isinstance(country, str) and not (len(country) == 2 and country.isascii() and country.isupper()):  # noqa: PLR2004
        found.append(FieldError("/country", "value.not_allowed", "is no country of two letters, like DE"))
    return found


def _of_options(error: FieldError) -> FieldError:
    return msgspec.structs.replace(error, pointer=f"/options{error.pointer}")
