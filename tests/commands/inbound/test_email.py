"""R4.1: whatever state an e-mail is in, what it says is found, and reading it takes no longer than it is long."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commands.inbound.email import Email, File, read
from commands.inbound.headers import Address
from commands.inbound.text import block, line, of_html
from commands.interactions.interaction import LONGEST_BODY, LONGEST_ID, MOST_ATTACHMENTS, MOST_PARTICIPANTS
from commands.normalise import is_told_of

FOLDER = Path(__file__).parents[2] / "data" / "mail"
CORPUS = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))}
AT = datetime(2026, 1, 5, 9, 10, tzinfo=UTC)
ADA = Address("Ada Lovelace", "ada@mill.example")

SAID: dict[str, dict[str, Any]] = {
    "plain": {
        "sender": ADA,
        "to": (Address("Hopper, Grace", "grace@rapport.example"),),
        "sent_at": AT,
        "known_as": "<plain@mill.example>",
        "text": "Two lines\n> of what was said before",
    },
    "no_headers": {"sender": None, "subject": None, "text": "just words\nand more of them"},
    "headers_only": {"subject": "Nothing more", "text": None, "sender": Address(None, "ada@mill.example")},
    "encoded_words": {
        "sender": Address("Zenaïde", "z@mill.example"),
        "to": (Address("Jörg", "j@mill.example"), Address("odd", "o@mill.example")),
        "subject": "Grüße aus Köln",
    },
    "raw_utf8_headers": {"sender": Address("Jörg", "j@mill.example"), "subject": "Grüße"},
    "latin1_without_saying": {"text": "Grüße"},
    "unknown_charset": {"text": "Grüße"},
    "charset_that_is_no_text": {"text": "words"},
    "groups": {"to": (Address(None, "b@mill.example"), Address("C, D", "c@mill.example")), "cc": ()},
    "headers_twice": {
        "sender": Address(None, "a@mill.example"),
        "subject": "first",
        "to": (Address(None, "c@mill.example"), Address(None, "d@mill.example")),
        "known_as": "<1@x>",
    },
    "broken_date": {"sent_at": AT},
    "impossible_date": {"sent_at": None},
    "html_only": {"text": "Hello Ada\n\n1 < 2"},
    "alternative": {"text": "plain words", "files": ()},
    "attachments": {
        "text": "See the quote",
        "files": (
            File("Angebot für Ada.pdf", "application/pdf", 9),
            File(None, "message/rfc822", 11),
        ),
    },
    "no_end_of_parts": {"text": "words", "files": (File("a.png", "image/png", 2),)},
    "no_boundary": {"text": "words all the same", "files": ()},
    "broken_base64": {"sender": Address(None, "a@mill.example")},
    "header_injection": {"subject": "x Bcc: all@mill.example", "to": (), "cc": ()},
    "control_characters": {"subject": "be ll [31m", "text": "words…"},
    "reply": {"known_as": "<3@x>", "answers": ("<2@x>", "<1@x>")},
    "long_message_id": {},
    "resent_by_another_way_1": {},
    "resent_by_another_way_2": {},
}


@pytest.mark.parametrize("name", CORPUS)
def test_what_a_message_says_is_found(name: str) -> None:
    found = read(CORPUS[name])
    assert {member: getattr(found, member) for member in SAID[name]} == SAID[name]
    assert_keepable(found)


def test_every_message_of_the_corpus_says_something_that_is_known() -> None:
    assert SAID.keys() == CORPUS.keys()


def test_a_message_without_an_id_is_known_by_what_it_says_whichever_way_it_came() -> None:
    one, other = (read(CORPUS[f"resent_by_another_way_{number}"]) for number in (1, 2))
    assert one.known_as == other.known_as != read(CORPUS["plain"]).known_as
    assert len(read(CORPUS["long_message_id"]).known_as) < 100


def test_what_refers_to_the_same_first_message_is_of_one_thread() -> None:
    first = read(b"Message-ID: <1@x>\n\nx")
    assert read(CORPUS["reply"]).thread_id == first.thread_id != read(b"Message-ID: <2@x>\n\nx").thread_id


def test_a_thousand_parts_are_listed_as_far_as_anybody_looks() -> None:
    part = b"--b\nContent-Type: application/pdf; name=a.pdf\n\nxx\n"
    found = read(b"From: a@mill.example\nContent-Type: multipart/mixed; boundary=b\n\n" + part * 1000 + b"--b--\n")
    assert len(found.files) == MOST_ATTACHMENTS


def test_a_thousand_recipients_are_kept_as_far_as_an_interaction_has_room() -> None:
    to = ", ".join(f"a{number}@mill.example" for number in range(1000))
    assert len(read(f"To: {to}\n\nx".encode()).to) == MOST_PARTICIPANTS


def test_what_is_nested_without_end_is_kept_as_it_stands() -> None:
    nest = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(1200))
    found = read(b"From: ada@mill.example\n" + nest + b"\nwords\n")
    assert found.sender == Address(None, "ada@mill.example")
    assert "words" in (found.text or "")


def test_a_long_text_is_cut_with_a_note_of_how_much() -> None:
    text = block("x" * (LONGEST_BODY + 10), LONGEST_BODY) or ""
    assert len(text) <= LONGEST_BODY
    kept = text.index("\n")
    assert text.endswith(f"[{LONGEST_BODY + 10 - kept} characters more]")


def test_a_page_is_told_line_by_line() -> None:
    page = "<!-- c --><ul><li>one<li>two &amp; three</ul><table><tr><td>a<td>b</table><script>if (1 < 2) {}</script>end"
    assert [each for each in of_html(page).split("\n") if each] == ["one", "two & three", "a b", "end"]


HOSTILE = [
    b"(",
    b"<",
    b'"',
    b"a@b,",
    b"=?",
    b"=?utf-8?q?",
    b"\\",
    b"[",
    b"a:;",
    b"<a ",
    b"<!--",
    b"&",
    b"</script",
    b"<p>",
]


@pytest.mark.parametrize("token", HOSTILE, ids=range(len(HOSTILE)))
def test_what_repeats_a_token_takes_no_longer_than_it_is_long(token: bytes) -> None:
    names = (b"From", b"To", b"Subject", b"Date", b"References", b"Content-Disposition")
    raw = b"".join(b"%s: %s\n" % (name, token * (60_000 // len(token))) for name in names)
    raw += b"Content-Type: text/html\n\n" + token * (1_000_000 // len(token))
    before = time.process_time()
    assert_keepable(read(raw))
    assert time.process_time() - before < 30  # a second or so; what grows with the square would take hours


bits = st.sampled_from(
    [
        *(b"From: ", b"To: a@b.example", b"Subject: =?utf-8?b?", b"Content-Type: multipart/mixed; boundary=b", b"--b"),
        *(b"--b--", b"\n", b"\r\n", b"\n\n", b"Content-Type: text/html", b"Content-Transfer-Encoding: base64", b";"),
        *(
            b"Content-Disposition: attachment; filename*=utf-8''%ff",
            b'"',
            b"<",
            b">",
            b"@",
            b",",
            b"?=",
            b"\x00",
            b"\xff",
        ),
        *(
            b"Message-ID: <1@x>",
            b"Date: Mon, 5 Jan 2026",
            b"message/rfc822",
            b"charset=utf-7",
            b"x-uuencode",
            b"begin 6",
        ),
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(bits | st.binary(max_size=8), max_size=40).map(b"".join) | st.binary(max_size=300))
@example(b"Date: Fri, 31 Dec 9998 23:59:59 -1200\n\nx")
@example(b"Content-Transfer-Encoding: x-uuencode\n\nbegin 6\n")
@example(b"Subject: =?utf-8?b?--b?=\nFrom: =?utf-8?b?--b?= <a@b.example>")
@example(b"Content-Type: text/plain; charset*=x''y\n\nx")
def test_nothing_that_is_sent_breaks_the_reading(raw: bytes) -> None:
    assert_keepable(read(raw))


@settings(max_examples=200, deadline=None)
@given(st.text(), st.integers(1, 50))
def test_a_line_is_one_that_can_be_kept(text: str, longest: int) -> None:
    found = line(text, longest)
    assert found is None or (found and len(found) <= longest and found == " ".join(found.split()))


def assert_keepable(found: Email) -> None:
    """All of it is what an interaction may hold."""
    texts = [found.subject, found.text, found.known_as, found.thread_id, *found.answers]
    texts += [part for each in (*found.to, *found.cc) for part in (each.name, each.address)]
    texts += [part for each in found.files for part in (each.name, each.media_type)]
    for text in filter(None, texts):
        text.encode()
        assert not any(ord(char) < 32 and char not in "\n\t" for char in text)
    assert len(found.known_as) <= LONGEST_ID
    assert found.sent_at is None or (found.sent_at.tzinfo is UTC and is_told_of(found.sent_at))
