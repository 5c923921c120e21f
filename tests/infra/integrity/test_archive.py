"""Signed records in their files."""

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import structs

from infra.integrity.archive import Archive, UntrustedRecordError
from infra.integrity.exports import MemoryExports
from infra.integrity.records import sign
from tests.infra.integrity.made import KEY, OTHER_KEY, TENANT, TIME, checkpoint, restored

OTHER = UUID(int=7)


@pytest.fixture
def exports() -> MemoryExports:
    return MemoryExports()


@pytest.fixture
def archive(exports: MemoryExports) -> Archive:
    return Archive(exports, KEY.public)


def test_nothing_is_in_an_empty_one(archive: Archive) -> None:
    assert list(archive.records()) == []
    assert archive.latest() == {}
    assert archive.incarnations() == []


def test_records_come_back_in_the_order_of_signing(archive: Archive) -> None:
    archive.add([checkpoint(1, 4)], TIME)
    archive.add([checkpoint(5, 10)], TIME + timedelta(hours=1))
    assert list(archive.records()) == [checkpoint(1, 4), checkpoint(5, 10)]


def test_the_latest_is_each_tenants_last(exports: MemoryExports, archive: Archive) -> None:
    other = sign(structs.replace(checkpoint(1, 3), tenant=OTHER), KEY)
    archive.add([checkpoint(1, 4), other], TIME)
    archive.add([checkpoint(5, 10)], TIME + timedelta(hours=1))
    wanted = {TENANT: checkpoint(5, 10), OTHER: other}
    assert Archive(exports, KEY.public).latest() == archive.latest() == wanted


def test_the_latest_is_found_again_when_its_file_is_lost(exports: MemoryExports, archive: Archive) -> None:
    archive.add([checkpoint(1, 4)], TIME)
    archive.add([checkpoint(5, 10)], TIME + timedelta(hours=1))
    copy = MemoryExports()
    for name in exports.names("checkpoints"):
        copy.put(name, exports.get(name) or b"")
    assert Archive(copy, KEY.public).latest() == {TENANT: checkpoint(5, 10)}


def test_after_a_restore_there_is_no_latest(exports: MemoryExports, archive: Archive) -> None:
    archive.add([checkpoint(1, 10)], TIME)
    archive.add([restored(4, 10)], TIME + timedelta(hours=1))
    assert Archive(exports, KEY.public).latest() == archive.latest() == {}


@pytest.mark.parametrize("line", [b"{", b"\xff\n", b'{"format":"rapport.checkpoint.v1"}\n'])
def test_a_damaged_file_is_named(exports: MemoryExports, archive: Archive, line: bytes) -> None:
    archive.add([checkpoint()], TIME)
    (name,) = exports.names("checkpoints")
    exports.put(name, line)
    exports.put("latest.jsonl", line)
    with pytest.raises(UntrustedRecordError, match=name):
        list(archive.records())
    with pytest.raises(UntrustedRecordError, match="latest"):
        archive.latest()


def test_an_emptied_file_is_damage_and_not_one_without_records(exports: MemoryExports, archive: Archive) -> None:
    archive.add([checkpoint()], TIME)
    (name,) = exports.names("checkpoints")
    exports.put(name, b"")
    with pytest.raises(UntrustedRecordError, match=name):
        list(archive.records())


def test_what_somebody_else_has_signed_is_no_latest(exports: MemoryExports, archive: Archive) -> None:
    Archive(exports, OTHER_KEY.public).add([checkpoint(key=OTHER_KEY)], TIME)
    with pytest.raises(UntrustedRecordError, match=str(TENANT)):
        archive.latest()


def test_incarnations_are_kept_in_order(exports: MemoryExports, archive: Archive) -> None:
    archive.begin(OTHER, TIME)
    archive.begin(TENANT, TIME)
    assert archive.incarnations() == [OTHER, TENANT]
    exports.put("incarnation", b"nonsense\n")
    with pytest.raises(UntrustedRecordError, match="incarnation"):
        archive.incarnations()


def test_the_public_key_lies_beside_what_it_verifies(exports: MemoryExports, archive: Archive) -> None:
    archive.publish_key()
    archive.publish_key()
    assert list(exports.names("keys")) == [f"keys/{KEY.public.kid}.pem"]
    assert exports.get(f"keys/{KEY.public.kid}.pem") == KEY.public.pem()
