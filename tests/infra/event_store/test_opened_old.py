"""B3, B6: an old version of an event is opened as it was sealed, and then brought to the newest."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.event import SYSTEM, Event, Metadata
from domain.personal import Personal
from domain.upcast import upcaster
from infra.event_store.opened import opened
from infra.event_store.sealed import place, shape_of
from infra.keys import sealing
from infra.keys.wrapping import DataKey

TENANT, STREAM, COMMAND = UUID(int=1), UUID(int=2), UUID(int=3)
NOW = datetime(2026, 2, 3, tzinfo=UTC)
KEY = DataKey(b"k" * 9, b"s" * 32)


@upcaster("letter.written.v1", personal={"author": ""})
def _authors_are_several(data: dict[str, Any]) -> dict[str, Any]:
    return {"authors": [data["author"]], "pages": data["pages"]}


class LetterWritten(Event, topic="letter.written.v2", data_class="letter"):
    authors: Personal[tuple[str, ...]]
    pages: int


@pytest.mark.parametrize(
    ("box", "authors", "erased"), [(KEY.box, ("Ada",), False), (None, ("",), True)], ids=["key", "key destroyed"]
)
def test_what_was_sealed_in_an_old_version_is_opened_and_upcast(
    box: AESGCM | None, authors: tuple[str, ...], erased: bool
) -> None:
    shape = shape_of("letter.written.v1")
    assert shape is not None
    data = sealing.seal(shape, sealing.members(b'{"author":"Ada","pages":3}'), place(TENANT, STREAM, 1), KEY)
    assert b"Ada" not in data
    metadata = msgspec.json.encode(Metadata(actor=SYSTEM, correlation_id="test"))
    row = (TENANT, 1, STREAM, 1, "letter.written.v1", data, metadata, COMMAND, NOW, NOW)
    read = opened(row, lambda *_: box)
    assert (read.event, read.erased) == (LetterWritten(authors=authors, pages=3), erased)
