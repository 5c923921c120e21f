"""B4: proofs out of the log itself."""

from uuid import uuid4

import pytest
from msgspec import json

from infra.integrity import exporter
from infra.integrity.proof import InvalidProofError, check
from infra.integrity.proofs import NotCoveredError, proof_of
from tests.infra.event_store.appends import call, one
from tests.infra.integrity.audited import KEY, Audited
from tests.infra.integrity.conftest import Admin

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("most", [1, 3, 65_536])
async def test_every_event_can_be_proven_under_its_checkpoint(
    audited: Audited, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(exporter, "MOST_EVENTS", most)
    await audited.sign()
    for position in range(1, 11):
        content = await proof_of(audited.log.service, KEY.public, audited.tenant, position)
        assert content is not None
        proof = check(content, KEY.public)
        assert (proof.event.tenant, proof.event.position) == (audited.tenant, position)
        assert json.decode(proof.event.data)


async def test_an_event_after_the_last_checkpoint_has_to_wait(audited: Audited) -> None:
    await audited.sign()
    await call(audited.log.appends, one(audited.tenant))
    with pytest.raises(NotCoveredError):
        await proof_of(audited.log.service, KEY.public, audited.tenant, 11)
    await audited.sign()
    assert await proof_of(audited.log.service, KEY.public, audited.tenant, 11)


async def test_an_event_that_is_not_there_has_no_proof(audited: Audited) -> None:
    await audited.sign()
    assert await proof_of(audited.log.service, KEY.public, audited.tenant, 11) is None
    assert await proof_of(audited.log.service, KEY.public, uuid4(), 1) is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE store.event SET data = '{}' WHERE tenant_id = %(t)s AND position = 5",
        "UPDATE store.event SET hash = sha256('') WHERE tenant_id = %(t)s AND position = 4",
        "UPDATE store.event SET hash = sha256('') WHERE tenant_id = %(t)s AND position = 9",
        "DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 4",
        "DELETE FROM store.event WHERE tenant_id = %(t)s AND position < 10 AND position <> 5",
    ],
)
async def test_a_log_that_was_altered_proves_nothing(audited: Audited, admin: Admin, damage: str) -> None:
    await audited.sign()
    audited.damage(admin, damage)
    with pytest.raises(InvalidProofError):
        await proof_of(audited.log.service, KEY.public, audited.tenant, 5)
