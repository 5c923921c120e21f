"""What the command line works with."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from cryptography.exceptions import UnsupportedAlgorithm

from commands.ports import StoreUnavailableError
from domain.errors import DomainError
from infra.integrity.archive import Archive, UntrustedRecordError
from infra.integrity.exporter import Exported
from infra.integrity.exports import FolderExports
from infra.integrity.findings import Report
from infra.integrity.keys import SigningKey, public_key_from_pem
from infra.integrity.proof import InvalidProofError, check
from infra.integrity.proofs import NotCoveredError, proof_of
from infra.integrity.role import auditor_dsn, exporter
from infra.integrity.verify import UnknownTenantError, verify
from infra.local import running
from infra.postgres import AUDITOR, SERVICE, TenantConnections
from infra.wiring import NotConfiguredError, Wiring, secret_of
from settings import Settings


class IntegrityTools:
    """Implements api.cli.ports.Integrity."""

    def __init__(self, settings: Settings, reachable: Callable[[], AbstractAsyncContextManager[Wiring]]) -> None:
        self._settings = settings
        self._reachable = reachable

    def verify(
        self,
        *,
        tenants: Sequence[UUID] | None,
        checkpoints: Path | None,
        jobs: int,
        on_start: Callable[[int], None],
        on_progress: Callable[[int], None],
    ) -> Report:
        """See the port."""
        if checkpoints and not checkpoints.is_dir():
            raise DomainError("checkpoints.not_found", f"there is no folder {checkpoints}")
        with _told():
            settings = running(self._settings)
            dsn, key = auditor_dsn(settings), SigningKey(secret_of(settings)).public
            records = list(Archive(FolderExports(checkpoints or settings.checkpoints), key).records())
            return verify(
                dsn,
                key,
                records,
                tenants=tenants,
                jobs=jobs,
                on_start=on_start,
                on_progress=on_progress,
            )

    async def checkpoint(self, tenants: Collection[UUID] | None) -> Exported:
        """See the port."""
        with _told():
            async with self._reachable() as wired:
                return await exporter(wired.settings, await wired.pool(AUDITOR, 2)).export(tenants)

    async def proof(self, tenant_id: UUID, position: int) -> bytes:
        """See the port."""
        with _told():
            async with self._reachable() as wired:
                connections = TenantConnections(await wired.pool(SERVICE, 2))
                found = await proof_of(connections, SigningKey(wired.secret).public, tenant_id, position)
        if found is None:
            raise DomainError("event.not_found", f"tenant {tenant_id} has no event at position {position}")
        return found

    def check_proof(self, content: bytes, pem: bytes) -> dict[str, Any]:
        """See the port."""
        try:
            key = public_key_from_pem(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise DomainError("key.invalid", f"that is no public key of a Rapport installation: {error}") from error
        try:
            proof = check(content, key)
        except InvalidProofError as error:
            raise DomainError("proof.invalid", f"the proof does not hold: {error}") from error
        found: dict[str, Any] = msgspec.to_builtins(proof)
        return found


@contextmanager
def _told() -> Iterator[None]:
    """What keeps these from working, in sentences."""
    try:
        yield
    except NotConfiguredError as error:
        raise DomainError(
            "settings.missing", str(error), hint="Start `rapport up`, or set RAPPORT_POSTGRES_DSN."
        ) from error
    except (psycopg.Error, StoreUnavailableError) as error:
        raise DomainError(
            "postgres.unreachable", f"Postgres can't be read: {str(error).strip() or 'it is away'}"
        ) from error
    except UntrustedRecordError as error:
        raise DomainError(
            "checkpoints.untrusted",
            f"the checkpoints can't be used: {error}",
            hint="Are folder and secret (RAPPORT_CHECKPOINT_FOLDER, RAPPORT_SECRET) those of this installation?",
        ) from error
    except UnknownTenantError as error:
        raise DomainError("tenant.not_found", f"there is no tenant {error}") from error
    except NotCoveredError as error:
        raise DomainError(
            "proof.not_covered",
            "no checkpoint covers this event yet",
            hint="Wait for the next one, or make it now: `rapport events checkpoint`.",
        ) from error
    except InvalidProofError as error:
        raise DomainError("proof.impossible", f"{error}", hint="`rapport events verify` says more.") from error
