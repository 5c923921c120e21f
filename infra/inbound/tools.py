"""Puts together what e-mails and calendars are brought in with."""

from functools import partial
from typing import TYPE_CHECKING

from commands.folded import FoldedStates
from commands.handle import Handler
from commands.inbound.drop import Dropping
from commands.inbound.people import Inbound
from infra import clock
from infra.event_store.finder import find
from infra.event_store.log import applied_position
from infra.inbound.directory import PostgresDirectory
from infra.inbound.folder import DropFolder
from infra.postgres import SERVICE, TenantConnections, TenantReads
from infra.progress import Progress

if TYPE_CHECKING:
    from commands.imports.work import Tools
    from commands.ports import EventStore
    from infra.wiring import Wiring
    from settings import Settings


def bringing_in(settings: "Settings", store: "EventStore", reads: TenantReads, progress: Progress) -> Inbound:
    """What the API takes them in with."""
    return Inbound(PostgresDirectory(store, reads, progress), settings.inbound_bytes)


async def dropping(wired: "Wiring", tools: "Tools") -> Dropping | None:
    """What a worker brings messages in with that are left in a folder; None where there is none."""
    folder, most = wired.settings.inbound_folder, wired.settings.inbound_bytes
    if folder is None:
        return None
    connections = TenantConnections(await wired.pool(SERVICE, size=2))
    progress = Progress(partial(applied_position, connections))
    handler = Handler(tools.store, clock.now, clock.new_id, find(tools.store), FoldedStates(tools.store))
    return Dropping(
        drop=DropFolder(folder, most, clock.new_id),
        directory=PostgresDirectory(tools.store, connections, progress),
        handler=handler,
        store=tools.store,
        authorization=tools.authorization,
        new_id=clock.new_id,
    )
