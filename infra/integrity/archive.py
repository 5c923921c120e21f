"""The signed records of an installation, as they lie in its exports.

checkpoints/<time>-<number>.jsonl   what was signed together; never changed
latest.jsonl                        the last checkpoint of each tenant, of what is in those
keys/<kid>.pem                      public keys
incarnation                         one line for each incarnation: its id, and when it began; the last one is current
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from infra.integrity.exports import Exports
from infra.integrity.keys import PublicKey
from infra.integrity.records import Checkpoint, Record, Restored, from_lines, is_signed_by, to_lines

_LATEST = "latest.jsonl"
_INCARNATION = "incarnation"
_CHECKPOINTS = "checkpoints"


class UntrustedRecordError(Exception):
    """An object of the exports is damaged, or not signed by this installation; the message names it."""


class Archive:
    """Reads and adds signed records. Who adds must be the only one to do so at the time."""

    def __init__(self, exports: Exports, key: PublicKey) -> None:
        self._exports = exports
        self._key = key
        self._latest: dict[UUID, Checkpoint] = {}

    def publish_key(self) -> None:
        """See that the public key lies beside what it verifies."""
        name = f"keys/{self._key.kid}.pem"
        if self._exports.get(name) is None:
            self._exports.put(name, self._key.pem())

    def records(self) -> Iterator[Record]:
        """Everything that was ever signed, in the order of signing; signatures are the caller's business.

        Raises:
            UntrustedRecordError: a file is damaged.
        """
        for name in self._exports.names(_CHECKPOINTS):
            if not self._exports.get(name):
                raise UntrustedRecordError(f"{name} is damaged: it is empty")  # none is written without a record
            yield from self._read(name)

    def latest(self) -> dict[UUID, Checkpoint]:
        """Each tenant's last checkpoint; none of a tenant that was restored to before it.

        Raises:
            UntrustedRecordError: the file is damaged or was signed by somebody else.
        """
        records = self.records() if self._exports.get(_LATEST) is None else self._read(_LATEST)
        self._latest = _last({}, self._trusted(records))
        return dict(self._latest)

    def add(self, records: Sequence[Record], at: datetime) -> None:
        """Keep records that were signed together; `latest` was asked before.

        Raises:
            OSError: they can't be stored.
        """
        self._latest = latest = _last(self._latest, records)
        name = f"{_CHECKPOINTS}/{at:%Y%m%dT%H%M%S.%fZ}-{uuid4().hex[:8]}.jsonl"
        self._exports.put(name, to_lines(records))
        self._exports.put(_LATEST, to_lines([latest[tenant] for tenant in sorted(latest)]))

    def incarnations(self) -> list[UUID]:
        """Every incarnation there was; the last one is current as far as is known here.

        Raises:
            UntrustedRecordError: the file is damaged.
        """
        lines = (self._exports.get(_INCARNATION) or b"").decode(errors="replace").splitlines()
        try:
            return [UUID(line.split()[0]) for line in lines]
        except (ValueError, IndexError) as error:
            raise UntrustedRecordError(f"{_INCARNATION} is damaged") from error

    def begin(self, incarnation: UUID, at: datetime) -> None:
        """Note that an incarnation has begun."""
        before = self._exports.get(_INCARNATION) or b""
        self._exports.put(_INCARNATION, before + f"{incarnation} {at.isoformat()}\n".encode())

    def _read(self, name: str) -> Iterator[Record]:
        try:
            yield from from_lines(self._exports.get(name) or b"")
        except msgspec.DecodeError as error:
            raise UntrustedRecordError(f"{name} is damaged: {error}") from error

    def _trusted(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            if not is_signed_by(record, self._key):
                raise UntrustedRecordError(f"a record of tenant {record.tenant} was not signed by key {self._key.kid}")
            yield record


def _last(before: Mapping[UUID, Checkpoint], records: Iterable[Record]) -> dict[UUID, Checkpoint]:
    found = dict(before)
    for record in records:
        if isinstance(record, Restored):
            found.pop(record.tenant, None)
        elif record.tenant not in found or found[record.tenant].last <= record.last:
            found[record.tenant] = record
    return found
