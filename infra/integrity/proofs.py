"""Proofs out of the log: reads one tenant's events and checkpoints, under that tenant."""

from typing import LiteralString
from uuid import UUID

from infra.integrity import chain
from infra.integrity.keys import PublicKey
from infra.integrity.proof import InvalidProofError, prove
from infra.integrity.records import Checkpoint, from_lines
from infra.postgres import TenantConnections

_EVENTS: LiteralString = f"""SELECT {chain.COLUMNS} FROM store.event
    WHERE tenant_id = %s AND position BETWEEN %s AND %s ORDER BY position"""
_HASHES: LiteralString = """SELECT hash FROM store.event
    WHERE tenant_id = %s AND position BETWEEN %s AND %s ORDER BY position"""
_CHECKPOINT: LiteralString = """SELECT record FROM store.checkpoint
    WHERE tenant_id = %s AND last_position >= %s AND first_position <= %s ORDER BY last_position LIMIT 1"""


class NotCoveredError(Exception):
    """No checkpoint covers the event yet."""


async def proof_of(connections: TenantConnections, key: PublicKey, tenant_id: UUID, position: int) -> bytes | None:
    """The proof of the event at a position; None when there is no such event.

    Raises:
        NotCoveredError: it has to wait for the next checkpoint.
        InvalidProofError: the log does not agree with its checkpoint.
        UnreadableEventError: of the event itself.
        StoreUnavailableError: Postgres is away.
    """
    rows = [
        chain.stored(row) for row in await connections.rows(tenant_id, _EVENTS, (tenant_id, position - 1, position))
    ]
    if not rows or rows[-1][0].position != position:
        return None
    found = await connections.rows(tenant_id, _CHECKPOINT, (tenant_id, position, position))
    if not found:
        raise NotCoveredError
    checkpoint = next(from_lines(found[0][0].encode()))
    if not isinstance(checkpoint, Checkpoint):
        raise InvalidProofError("what is kept as its checkpoint is none")
    hashes = await connections.rows(tenant_id, _HASHES, (tenant_id, checkpoint.first, checkpoint.last))
    if len(hashes) <= position - checkpoint.first:
        raise InvalidProofError("events of its checkpoint are missing")
    previous = rows[0][1] if len(rows) > 1 else chain.GENESIS
    return prove(rows[-1][0], previous, checkpoint, [row[0] for row in hashes], key)
