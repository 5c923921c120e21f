"""From HTML that anybody may send to rich text that anybody may be shown: only what is listed here is left.

The work is nh3's (html5ever and ammonia): the HTML is read as browsers read it and written anew, so that nothing is
left that could be read in two ways.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from commands.normalise import Problems
from domain import rich_text

TAGS = frozenset(
    (
        *("p", "br", "hr", "div", "span", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre"),
        *("code", "strong", "b", "em", "i", "u", "s", "del", "ins", "sub", "sup", "mark", "a"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    )
)
ATTRIBUTES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"a": frozenset(("href",)), "span": frozenset((rich_text.MENTION,))}
)
SCHEMES = frozenset(("http", "https", "mailto"))
REL = "noopener noreferrer nofollow"
"""What each link is given, so that the page it leads to neither learns nor gets hold of the one it was on."""
LONGEST = 64 * 1024
"""Bytes of UTF-8."""
DEEPEST = 40
"""So many elements of one name may be open at once: how long it takes to read HTML goes with the square of that."""

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CLOSED_BY_THE_NEXT = frozenset(
    (
        *("p", "li", "dd", "dt", "tr", "td", "th", "option", "thead", "tbody", "tfoot"),
        *("br", "hr", "img", "wbr", "input", "col", "meta", "link", "area", "base", "embed", "param", "source"),
    )
)
_SAYS_NOTHING = "- |\n\xa0\u200b\ufeff"
_ROUNDS = 4


class Written(Struct, frozen=True):
    """Clean HTML, what it says without its marks, and the ids that stand in it where users are named."""

    html: str
    text: str
    mentions: tuple[str, ...]


def written(html: str, at: str, problems: Problems) -> Written:
    """Clean HTML of what was sent; what is wrong with it is noted for the pointer `at`."""
    whole = unicodedata.normalize("NFC", html).replace("\r\n", "\n").replace("\r", "\n")
    if (size := len(whole.encode())) > LONGEST:
        problems.add(at, "text.too_long", f"has {size} bytes; at most {LONGEST} are allowed")
        return Written("", "", ())
    if _is_deep(whole):
        problems.add(at, "note.too_deep", f"has more than {DEEPEST} elements within each other; close them")
        return Written("", "", ())
    clean = _clean(whole)
    if len(clean.encode()) > LONGEST:
        problems.add(at, "text.too_long", f"has more than {LONGEST} bytes once its elements are closed")
        return Written("", "", ())
    found = rich_text.read(clean)
    if _CONTROL.search(clean):
        problems.add(at, "text.control_character", "holds a control character; remove it")
    elif not found.text.strip(_SAYS_NOTHING):
        problems.add(at, "note.empty", "says nothing once what is not allowed is taken away; send some text")
    return Written(clean, found.text, found.mentions)


def _is_deep(html: str) -> bool:
    """Whether elements are opened and not closed, more than anybody writes."""
    open_: dict[str, int] = {}
    for closing, name in _TAG.findall(html):
        tag = name.lower()
        if tag in _CLOSED_BY_THE_NEXT:
            continue
        open_[tag] = max(open_.get(tag, 0) + (-1 if closing else 1), 0)
        if open_[tag] > DEEPEST:
            return True
    return sum(open_.values()) > DEEPEST


def _clean(html: str) -> str:
    """Cleaned until cleaning changes nothing: some of what is written is read otherwise (a line's end after <pre>)."""
    for _ in range(_ROUNDS):
        before, html = html, _cleaner().clean(html).replace("\r", "\n")
        if html == before or len(html) > LONGEST:
            break
    return html


@cache
def _cleaner() -> Any:
    import nh3  # noqa: PLC0415  2 MB that only notes need

    return nh3.Cleaner(
        tags=set(TAGS),
        attributes={"*": set(), **{tag: set(names) for tag, names in ATTRIBUTES.items()}},
        clean_content_tags={"script", "style", "title", "template"},
        url_schemes=set(SCHEMES),
        url_relative="deny",
        link_rel=REL,
    )
