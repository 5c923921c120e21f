"""A tenant's log, what is signed of it, and what verification says."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from infra.integrity.archive import Archive
from infra.integrity.exporter import Exported, Exporter
from infra.integrity.exports import Exports
from infra.integrity.findings import Report
from infra.integrity.incarnation import Settled, settle
from infra.integrity.keys import SigningKey
from infra.integrity.verify import verify
from infra.postgres import AUDITOR
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append, call, stream

KEY = SigningKey(SECRET)


def now() -> datetime:
    return datetime.now(UTC)


class Audited:
    """One tenant among others."""

    def __init__(self, log: Database, exports: Exports) -> None:
        self.log = log
        self.exports = exports
        self.tenant = uuid4()
        self.archive = Archive(exports, KEY.public)

    async def fill(self, tenant: UUID | None = None) -> None:
        """Ten events in four streams; the fifth to seventh change the first one."""
        first, who = uuid4(), tenant or self.tenant
        await call(self.log.appends, *(append(who, stream(each)) for each in (first, uuid4(), uuid4(), uuid4())))
        await call(self.log.appends, append(who, stream(first, after=1, count=3)))
        await call(self.log.appends, append(who, stream(uuid4(), count=3)))

    def exporter(self, key: SigningKey = KEY) -> Exporter:
        archive = Archive(self.exports, key.public)
        return Exporter(self.log.pools[AUDITOR], archive, key, now)

    async def sign(self, tenants: Collection[UUID] | None = None) -> Exported:
        """Sign what has come since."""
        return await self.exporter().export(tenants or [self.tenant])

    def verify(self, *tenants: UUID, jobs: int = 1) -> Report:
        return verify(
            self.log.dsns[AUDITOR],
            KEY.public,
            list(self.archive.records()),
            tenants=tenants or [self.tenant],
            jobs=jobs,
            on_start=lambda _: None,
            on_progress=lambda _: None,
        )

    def found(self, *tenants: UUID) -> list[tuple[int, str]]:
        """Positions and kinds of what is wrong."""
        return [(finding.position, finding.kind.value) for finding in self.verify(*tenants).findings]

    def settle(self, *, restored: bool = False) -> Settled:
        return settle(self.log.dsns[AUDITOR], self.archive, KEY, now(), restored=restored)

    def damage(self, admin: Any, statement: str, **values: object) -> None:
        """Change something of the tenant's as a superuser; it must be there."""
        assert admin.execute(statement, {"t": self.tenant, **values}).rowcount > 0

    def cut_off(self, admin: Any, position: int) -> None:
        """Set the log back, as a restored copy of the database has it."""
        cut_off(admin, self.tenant, position)


def cut_off(admin: Any, tenant: UUID, position: int) -> None:
    """Remove what a tenant's log has after a position."""
    values = {"t": tenant, "p": position}
    admin.execute("DELETE FROM store.event WHERE tenant_id = %(t)s AND position > %(p)s", values)
    if position == 0:
        admin.execute("DELETE FROM store.tenant_head WHERE tenant_id = %(t)s", values)
    else:
        admin.execute(
            """UPDATE store.tenant_head h SET position = e.position, hash = e.hash, recorded_at = e.recorded_at
                 FROM store.event e
                WHERE h.tenant_id = %(t)s AND e.tenant_id = %(t)s AND e.position = %(p)s""",
            values,
        )
