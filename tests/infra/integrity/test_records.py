"""Signed records: the bytes of docs/integrity.md, and who has signed them. N-S3, B4."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import structs

from infra.integrity.records import Checkpoint, Record, Restored, from_lines, is_signed_by, sign, to_lines
from tests.infra.integrity.made import KEY, OTHER_KEY, TENANT, TIME, checkpoint, restored


def test_what_is_signed_is_every_field_after_its_length() -> None:
    made = Checkpoint(TENANT, TENANT, 3, 10, "ab" * 32, "cd" * 32, TIME, "kid")
    assert made.signed().hex() == (
        "00000015" + b"rapport.checkpoint.v1".hex()
        + ("00000010" + TENANT.hex) * 2
        + "000000080000000000000003"
        + "00000008000000000000000a"
        + "00000020" + "ab" * 32
        + "00000020" + "cd" * 32
        + "00000008000649e38b7142c0"
        + "000000036b6964"
    )  # fmt: skip


def test_a_restore_is_signed_in_the_same_way() -> None:
    made = Restored(TENANT, TENANT, 3, 10, "ab" * 32, TIME, "kid")
    assert made.signed().hex() == (
        "00000013" + b"rapport.restored.v1".hex()
        + ("00000010" + TENANT.hex) * 2
        + "000000080000000000000003"
        + "00000008000000000000000a"
        + "00000020" + "ab" * 32
        + "00000008000649e38b7142c0"
        + "000000036b6964"
    )  # fmt: skip


def test_a_record_reads_as_it_was_written() -> None:
    written: list[Record] = [checkpoint(), restored(4, 10)]
    lines = to_lines(written)
    assert list(from_lines(lines)) == written
    assert lines.startswith(b'{"format":"rapport.checkpoint.v1","incarnation":"')
    assert lines.count(b"\n") == 2
    assert all(is_signed_by(record, KEY.public) for record in from_lines(lines))


@pytest.mark.parametrize(
    "change",
    [
        {"incarnation": TENANT},
        {"tenant": checkpoint().incarnation},
        {"first": 2},
        {"last": 11},
        {"chain": "00" * 32},
        {"root": "00" * 32},
        {"time": TIME + timedelta(microseconds=1)},
        {"signature": "00" * 64},
        {"signature": ""},
    ],
)
def test_a_changed_record_is_not_signed(change: dict[str, Any]) -> None:
    assert is_signed_by(checkpoint(), KEY.public)
    assert not is_signed_by(structs.replace(checkpoint(), **change), KEY.public)


def test_nobody_signs_in_anothers_name() -> None:
    assert not is_signed_by(checkpoint(key=OTHER_KEY), KEY.public)
    named = sign(structs.replace(checkpoint(), kid=KEY.public.kid), OTHER_KEY)
    assert not is_signed_by(named, KEY.public)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b'{"format":"rapport.event.v1"}',
        to_lines([checkpoint()]).replace(b'"from":1', b'"from":0'),
        to_lines([checkpoint()]).replace(b'"from":1', b'"from":1,"more":2'),
        to_lines([checkpoint()]).replace(b'"root":"', b'"root":"0'),
        to_lines([checkpoint()]).upper(),
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        list(from_lines(line or b"\n"))


def test_a_restore_explains_what_lay_beyond_it_and_was_signed_before_it() -> None:
    restore = restored(4, 10)
    assert restore.explains(checkpoint(1, 10))
    assert restore.explains(checkpoint(5, 10))
    assert not restore.explains(checkpoint(1, 4))
    assert not restore.explains(checkpoint(1, 10, time=TIME + timedelta(seconds=1)))
    assert not restore.explains(structs.replace(checkpoint(1, 10), incarnation=restore.incarnation))
    assert not restore.explains(structs.replace(checkpoint(1, 10), tenant=restore.incarnation))


def test_a_key_is_the_secrets_own_and_named_after_its_public_half() -> None:
    assert KEY.public.kid != OTHER_KEY.public.kid
    assert len(KEY.public.kid) == 16
    assert KEY.public.pem().startswith(b"-----BEGIN PUBLIC KEY-----")
