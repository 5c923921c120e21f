"""Text as it comes from outside: without what can't be kept, cut to what is, and of HTML only what it says. Pure."""

import html
import re
from collections.abc import Iterator
from typing import Final

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BLANKS = re.compile(r"[ \t\r\n\f\xa0]+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_LONGEST_HTML = 1_000_000
_BREAKS: Final = frozenset(
    {
        *("address", "article", "aside", "blockquote", "br", "center", "dd", "div", "dl", "dt", "footer", "form"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table"),
        *("tr", "ul"),
    }
)
_CELLS: Final = frozenset({"td", "th"})
_SILENT: Final = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("head", "noscript", "script", "style", "template", "title")
}
_TAG = re.compile(r"<(/?)(!--|[a-zA-Z!?][a-zA-Z0-9]*)")
_CUT = "\n[{} characters more]"


def line(text: str, longest: int) -> str | None:
    """One line that can be kept; None where nothing is left."""
    found = " ".join(_CONTROL.sub(" ", whole(text[: longest * 4])).split())[:longest].strip()
    return found or None


def block(text: str, longest: int) -> str | None:
    """Several lines that can be kept, with a note of how much was cut off; None where nothing is left."""
    found = _CONTROL.sub("", whole(text).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")).strip("\n ")
    if len(found) > longest:
        kept = longest - len(_CUT) - 12
        found = found[:kept] + _CUT.format(len(found) - kept)
    return found or None


def whole(text: str) -> str:
    """Text without halves of characters: bytes that a parser took for none are shown as such."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decoded(data: bytes, charset: str | None) -> str:
    """Bytes as text: in the charset that is named, else in UTF-8, else as most have it who name none."""
    for name in (charset, "utf-8"):
        if name is None:
            continue
        try:
            return data.decode(name)
        except (LookupError, ValueError):  # no such charset, one that is no text, or bytes that are none of it
            continue
    return data.decode("cp1252", "replace")


def of_html(page: str) -> str:
    """What a page says, a line for each block. It takes time as the page is long, however it is broken."""
    lines = (_BLANKS.sub(" ", each).strip() for each in "".join(_said(page[:_LONGEST_HTML])).split("\0"))
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()


def _said(page: str) -> Iterator[str]:
    """The text between tags; where a block begins or ends stands a NUL, which no text has."""
    at = 0
    while (mark := page.find("<", at)) >= 0:
        yield html.unescape(page[at:mark]).replace("\0", "")
        tag = _TAG.match(page, mark)
        if tag is None:
            yield "<"
            at = mark + 1
            continue
        at = _after(page, mark, tag[2].lower(), closes=bool(tag[1]))
        if at < 0:  # what is opened and never closed is all that comes
            return
        yield "\0" if tag[2].lower() in _BREAKS else " " if tag[2].lower() in _CELLS else ""
    yield html.unescape(page[at:]).replace("\0", "")


def _after(page: str, mark: int, name: str, *, closes: bool) -> int:
    """Where the page goes on after a tag or comment, and after what nobody gets to see; -1 where it does not."""
    if name.startswith("!--"):
        end = page.find("-->", mark + 4)
        return end + 3 if end >= 0 else -1
    end = page.find(">", mark)
    if end < 0 or closes or name not in _SILENT:
        return end + 1 if end >= 0 else -1
    found = _SILENT[name].search(page, end)
    end = page.find(">", found.end()) if found else -1
    return end + 1 if end >= 0 else -1
