"""R4.4: whatever is sent as rich text, what is kept has no element, attribute or address that could do anything."""

from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.interactions.rich_text import ATTRIBUTES, LONGEST, REL, SCHEMES, TAGS, Written, written
from commands.normalise import Problems
from domain.errors import InvalidError

PAYLOADS = Path(__file__).with_name("xss_payloads.txt").read_text().splitlines()
"""What gets by filters: kinds that are known from the lists of OWASP, html5sec and others, written down for here."""

NAMES = sorted({*TAGS, "script", "style", "svg", "math", "img", "template", "select", "form", "mtext", "title", "x-y"})
VALUES = ["javascript:alert(1)", "https://ok.example/?a=1&b", "//x", "<p>", '"', "é", "mailto:a@b.example", "x y"]
openings = st.builds(
    lambda name, attribute, value, quote: f"<{name} {attribute}={quote}{value}{quote}>",
    st.sampled_from(NAMES),
    st.sampled_from(["href", "onclick", "data-mention", "style", "src", "xlink:href", "id"]),
    st.sampled_from(VALUES),
    st.sampled_from(["'", '"', ""]),
)
closings = st.sampled_from(NAMES).map("</{}>".format)
bits = st.sampled_from(
    ["<!--", "-->", "<![CDATA[", "]]>", "\n", "\r", "&#13;", "&lt;", "&amp;lt;", "&", "<", " ", "\n\n"]
)
markup = st.lists(openings | closings | bits | st.text(max_size=5), max_size=25).map("".join)


class Elements(HTMLParser):
    """Another reader of HTML than the one that cleans it: every tag that it finds."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.beside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_comment(self, data: str) -> None:
        self.beside.append(data)

    def handle_decl(self, decl: str) -> None:
        self.beside.append(decl)

    def handle_pi(self, data: str) -> None:
        self.beside.append(data)

    def unknown_decl(self, data: str) -> None:
        self.beside.append(data)


def clean(html: str) -> Written:
    return written(html, "/html", Problems())


def trouble(html: str) -> Iterator[str]:
    """What in HTML is not as it must be."""
    reader = Elements()
    reader.feed(html)
    reader.close()
    yield from reader.beside
    for tag, attributes in reader.found:
        if tag not in TAGS:
            yield tag
        given_ = dict(attributes)
        if len(given_) != len(attributes):
            yield f"{tag} with an attribute twice"
        if tag == "a" and given_.pop("rel", None) != REL:
            yield "a link without rel"
        yield from (f"{tag} {name}" for name in given_.keys() - ATTRIBUTES.get(tag, frozenset()))
        address = given_.get("href")
        if address is not None and (urlsplit(unescape(address)).scheme not in SCHEMES or address != address.strip()):
            yield f"an address {address!r}"


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 250


def test_what_finds_trouble_finds_it() -> None:
    bad = "<p onclick=x><script>1</script><a href='java&#x73;cript:1'>x</a><!-- x --><a href=x rel=x>"
    assert list(trouble(bad)) == [
        *(" x ", "p onclick", "script", "a link without rel", "an address 'javascript:1'"),
        *("a link without rel", "an address 'x'"),
    ]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_could_do_anything_is_left_of_a_payload(payload: str) -> None:
    for html in (payload, f"<p>before {payload} after</p>", f"<table><tr><td>{payload}", f"<a href='{payload}'>x</a>"):
        assert list(trouble(clean(html).html)) == [], html


@given(markup)
def test_cleaning_what_is_clean_changes_nothing(html: str) -> None:
    first = clean(html)
    assert list(trouble(first.html)) == []
    again = clean(first.html)
    assert (again.html, again.text) == (first.html, first.text)


@given(st.text())
def test_what_is_plain_stays_what_it_says(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert list(trouble(clean(f"<p>{escaped}</p>").html)) == []


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("plain & <b>bold", "plain &amp; <b>bold</b>"),
        ('<a href="https://x.example/?a=1&b=2">x</a>', f'<a href="https://x.example/?a=1&amp;b=2" rel="{REL}">x</a>'),
        ('<a href="mailto:ada@x.example">x</a>', f'<a href="mailto:ada@x.example" rel="{REL}">x</a>'),
        ('<a href="/inside">x</a>', f'<a rel="{REL}">x</a>'),
        ('<span data-mention="1" class="y">@A</span>', '<span data-mention="1">@A</span>'),
        ("<font color=red><center>x</center></font>", "x"),
        ("a<style>b{}</style><script>c</script>d", "ad"),
        ("<table><tr><th>a<td>b", "<table><tbody><tr><th>a</th><td>b</td></tr></tbody></table>"),
        ("e\u0301", "é"),
        ("a\x00b", "ab"),
    ],
)
def test_what_is_allowed_is_kept(html: str, kept: str) -> None:
    assert clean(html).html == kept


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("one<br>two<p>three</p><div>four</div>five", "one\ntwo\nthree\nfour\nfive"),
        ("<ul><li>a</li><li>b <b>c</b><ol><li>d</ol></ul>", "- a\n- b c\n- d"),
        ("<table><tr><th>a<th>b<tr><td>c<td>d</table>", "a | b\nc | d"),
        ("<p>a\n   b&nbsp;c &lt;b&gt; &eacute;</p>", "a b\xa0c <b> é"),
        ("<pre>if x:\n    y</pre>after", "if x:\ny\nafter"),
        ("<h1>Title</h1>text", "Title\ntext"),
    ],
)
def test_the_text_of_it_has_the_lines_that_are_seen(html: str, text: str) -> None:
    assert clean(html).text == text


def test_who_is_named_is_told_once_and_in_order() -> None:
    html = (
        "".join(f'<span data-mention="{name}">@</span>' for name in ("b", "a", "b", "")) + '<p data-mention="c">x</p>'
    )
    assert clean(html).mentions == ("b", "a", "")


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("<p>&nbsp;</p>", "note.empty"),
        ("<ul><li></li></ul><hr>", "note.empty"),
        ("é" * (LONGEST // 2) + "x", "text.too_long"),
        ("<b>" * 41 + "x", "note.too_deep"),
        ("".join(f"<x{n}>" for n in range(41)) + "x", "note.too_deep"),
        ("&" * (LONGEST // 4), "text.too_long"),
        ("a&#x1b;b", "text.control_character"),
    ],
)
def test_what_cannot_be_kept_is_refused(html: str, code: str) -> None:
    problems = Problems()
    written(html, "/html", problems)
    assert [(error.pointer, error.code) for error in problems.errors] == [("/html", code)]
    with pytest.raises(InvalidError):
        problems.raise_if_any()


def test_elements_side_by_side_may_be_as_many_as_there_is_room_for() -> None:
    problems = Problems()
    html = "<div><b>x</b></div>" * 3000 + "<p>y" * 1000
    assert written(html, "/html", problems).text.count("x") == 3000
    assert problems.errors == []
