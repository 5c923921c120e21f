"""Puts together what e-mails and calendars are brought in with."""

from typing import TYPE_CHECKING

from commands.inbound import Inbound
from infra.inbound.directory import PostgresDirectory
from infra.postgres import TenantReads
from infra.progress import Progress

if TYPE_CHECKING:
    from commands.ports import EventStore
    from settings import Settings


def bringing_in(settings: "Settings", store: "EventStore", reads: TenantReads, progress: Progress) -> Inbound:
    """What the API takes them in with."""
    return Inbound(PostgresDirectory(store, reads, progress), settings.inbound_bytes)
