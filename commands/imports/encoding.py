"""From a file's bytes to its text, as it arrives: which encoding it is in is found out on the way."""

import codecs
from importlib import import_module

from domain.errors import DomainError

_SAMPLE = 16_384
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What spreadsheets of this world write where they don't write Unicode.
_LIKELY = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "cp850", "mac_roman"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
# Few words don't tell Western from Central European text: what is made of these letters alone is Western.
_WESTERN = frozenset("äöüßÄÖÜéèêëÉÈÊàâÀÂçÇñÑóòôõÓÒíìîïÍáãÁÃúùûÚœŒæÆøØåÅ€‘’“”„–—…«»°©®§ºª¡¿·´ \xa0")  # noqa: RUF001
_LATIN = frozenset({"cp1252", "cp1250", "cp1254", "cp1257"})
# No spreadsheet writes these, and what comes of some of them may be halves of characters, which are no text.
_NO_FILES = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})


class Text:
    """Decodes a file block by block.

    `encoding` is what it turned out to be so far: plain ASCII is taken for UTF-8, until a byte says otherwise.
    """

    def __init__(self, encoding: str | None = None) -> None:
        self.encoding: str = "utf-8"
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._plain = True
        self._lines = 0
        if encoding:
            self._take(_named(encoding))
            self._plain = False

    def feed(self, block: bytes, *, last: bool = False) -> str:
        """The text of the next bytes.

        Raises:
            DomainError: import.encoding.
        """
        if self._decoder is None:
            self._head += block
            if len(self._head) < len(codecs.BOM_UTF32_LE) and not last:
                return ""
            block, self._head = self._begin(self._head), b""
        assert self._decoder is not None  # noqa: S101  _begin has made it
        try:
            text = self._decoder.decode(block, last)
        except UnicodeDecodeError as error:
            before = block[: error.start]
            if not (self._plain and before.isascii()):
                row = self._lines + before.count(b"\n") + 1
                raise _refusal(f"about row {row} it is not {self.encoding} any more", row) from None
            # All before was ASCII, which is the same in all of them.
            self._take(_detected(block))
            self._plain = False
            return self.feed(block, last=last)
        self._plain = self._plain and text.isascii()
        self._lines += text.count("\n")
        return text

    def _begin(self, head: bytes) -> bytes:
        for mark, name in _MARKS:
            if head.startswith(mark):
                self._take(name)
                self._plain = False
                return head[len(mark) :]
        found = _without_mark(head)
        self._take(found or "utf-8")
        self._plain = found is None
        return head

    def _take(self, name: str) -> None:
        self.encoding = name
        self._decoder = codecs.getincrementaldecoder(name)("strict")


def _named(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        if name not in _NO_FILES:
            b" ".decode(name)  # unlike a look-up, it knows base64 and the like for no encodings of text
            return name
    except LookupError:
        pass
    raise _refusal(f"{encoding!r} is no encoding that is known here")


def _without_mark(head: bytes) -> str | None:
    """UTF-16 by the zeros between its letters."""
    sample = head[:_SAMPLE]
    if len(sample) < 4 or b"\0" not in sample:  # noqa: PLR2004
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _detected(block: bytes) -> str:
    lines = [line for line in block.splitlines(keepends=True) if not line.isascii()]
    sample = b"".join(lines)[:_SAMPLE]
    # Not at the top: it takes megabytes, and most files don't need it.
    best = import_module("charset_normalizer").from_bytes(sample, cp_isolation=_LIKELY).best()
    name: str = "cp1252" if best is None else best.encoding
    if name in _LATIN:
        name = _western(sample, name)
    try:
        sample.decode(name, "strict" if len(sample) < _SAMPLE else "ignore")
    except UnicodeDecodeError:
        raise _refusal("it is in no encoding that is known here") from None
    return name


def _western(sample: bytes, otherwise: str) -> str:
    try:
        letters = {letter for letter in sample.decode("cp1252") if not letter.isascii()}
    except UnicodeDecodeError:
        return otherwise
    return "cp1252" if letters <= _WESTERN else otherwise


def _refusal(why: str, row: int | None = None) -> DomainError:
    return DomainError(
        "import.encoding",
        f"the file can't be read as text: {why}",
        hint='Save it as CSV UTF-8, or name its encoding in options, like {"encoding": "cp1253"}.',
        members={} if row is None else {"row": row},
    )
