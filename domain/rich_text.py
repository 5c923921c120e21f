"""Rich text that is clean: what it says without its marks, and whom it names. It gets clean in commands."""

import re
from html.parser import HTMLParser

from msgspec import Struct

BLOCKS = frozenset(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "table", "tr", "hr", "div")
)
"""Elements that begin on a line of their own."""
CELLS = frozenset(("td", "th"))
MENTION = "data-mention"
"""The attribute of a span that names a user, by id."""

_SPACE = re.compile(r"[ \t\n\r\f]+")
_LONGEST_TITLE = 200


class Said(Struct, frozen=True):
    """What clean HTML says without its marks, as lines, and what stands in it where users are named, each once."""

    text: str
    mentions: tuple[str, ...]


def read(html: str) -> Said:
    """What clean HTML says: blocks on lines of their own, items after a dash, cells after a bar."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (line.strip(" \t") for line in "".join(reader.parts).split("\n"))
    return Said("\n".join(filter(None, lines)), tuple(dict.fromkeys(reader.mentions)))


def plain(html: str) -> str:
    """The text of clean HTML."""
    return read(html).text


def title(text: str) -> str | None:
    """The first line of a text, so much as is good for a heading; None where there is no text."""
    line = text.partition("\n")[0].removeprefix("- ")
    return f"{line[: _LONGEST_TITLE - 1]}…" if len(line) > _LONGEST_TITLE else line or None


class _Reader(HTMLParser):
    """Gathers text as it would be shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.mentions: list[str] = []
        self._as_it_is = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS or tag == "br":
            self.parts.append("\n- " if tag == "li" else "\n")
        elif tag in CELLS and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append(" | ")
        self._as_it_is += tag == "pre"
        self.mentions += [value or "" for name, value in attrs if name == MENTION]

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.parts.append("\n")
        self._as_it_is -= tag == "pre"

    def handle_data(self, data: str) -> None:
        self.parts.append(data if self._as_it_is else _SPACE.sub(" ", data))
