"""Charts as SVG documents: bars, with nothing in them that runs or is loaded from elsewhere.

An SVG that is opened by itself is a document, and the words in it come from many people: so the drawing has no scripts
to begin with, all words go through an XML writer, and the headers forbid whatever a browser might find to run.
"""

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

from msgspec import Struct

from api.http.answer import Answer

MEDIA = "image/svg+xml"
MOST_BARS = 30
"""Bars that can still be told apart; what is beyond them is shown together."""

OTHERS = "others"
NONE = "none"

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#555555")
"""That those who are colour-blind can tell apart too (Okabe and Ito)."""
MOST_COLORS = len(_COLORS)

_FONT = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_LONGEST_WORDS = 40
_MOST_NAMED = 30
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Bars(Struct, frozen=True, kw_only=True):
    """What a chart shows: for each label a bar, or several, of one value in each series; None for no value.

    `stacked` puts a label's values end to end; `upright` bars go from left to right, for times.
    """

    title: str
    description: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    stacked: bool = True
    upright: bool = False


async def chart(bars: Bars) -> Answer:
    """The answer with a chart; drawn beside the event loop, for that takes a tenth of a second."""
    return Answer(await asyncio.to_thread(drawn, bars), headers=_HEADERS, media=MEDIA.encode())


def drawn(bars: Bars) -> bytes:
    """The chart as a document; the same for the same figures."""
    root = _plotted(bars)
    for parent in list(root.iter()):
        for child in list(parent):
            # What it says of its making has the date in it.
            if child.tag is ET.Comment or child.tag in {f"{_NAMESPACE}script", "script"}:
                parent.remove(child)
    root.attrib |= {"role": "img", "aria-labelledby": "chart-title chart-description"}
    for place, (name, words) in enumerate((("title", bars.title), ("desc", bars.description))):
        element = ET.Element(name, {"id": f"chart-{'title' if name == 'title' else 'description'}"})
        element.text = _sound(words)
        root.insert(place, element)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


@cache
def _pygal() -> Any:
    """The plotting library, which most processes never need."""
    import pygal  # noqa: PLC0415

    # It has its charts' plugins found by something that Python 3.11 warns of at every import from then on.
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, pygal.PluginImportFixer)]
    return pygal


def _plotted(bars: Bars) -> Any:
    pygal = _pygal()
    kinds = {
        (True, True): pygal.StackedBar,
        (True, False): pygal.Bar,
        (False, True): pygal.HorizontalStackedBar,
        (False, False): pygal.HorizontalBar,
    }
    shown = len(bars.labels)
    style = pygal.style.Style(
        background="#ffffff", plot_background="#ffffff", colors=_COLORS, font_family=_FONT, opacity="1",
        label_font_family=_FONT, legend_font_family=_FONT, title_font_family=_FONT, no_data_font_family=_FONT,
        label_font_size=12, major_label_font_size=12,
    )  # fmt: skip
    plot = kinds[bars.upright, bars.stacked](
        js=[], style=style, title=_sound(bars.title), explicit_size=True, width=900,
        height=480 if bars.upright else 160 + 26 * max(shown, 4), x_label_rotation=40 if bars.upright else 0,
        show_minor_x_labels=False, show_legend=len(bars.series) > 1, legend_at_bottom=True,
        legend_at_bottom_columns=4, margin_bottom=40, truncate_label=-1, truncate_legend=-1, print_values=False,
        x_labels_major_every=max(1, -(-shown // _MOST_NAMED)),
    )  # fmt: skip
    plot.uuid = "figures"  # instead of one at random
    # Bars that lie are drawn from the bottom upwards.
    way = slice(None) if bars.upright else slice(None, None, -1)
    plot.x_labels = [_short(label) for label in bars.labels][way]
    for name, values in bars.series.items():
        plot.add(_short(name), list(values)[way])
    return plot.render_tree()


def _short(words: str) -> str:
    words = _sound(words)
    return words if len(words) <= _LONGEST_WORDS else f"{words[: _LONGEST_WORDS - 1]}\u2026"


def _sound(words: str) -> str:
    """Words without characters that no XML document may have."""
    return _NO_XML.sub("\ufffd", words)
