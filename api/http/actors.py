"""Names of those who acted: users by their read model, API keys by the log."""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from api.http.exchange import HttpRequest, principal_of, services_of
from domain.event import Event, Recorded
from projections.identity import user_queries
from projections.position import Level


async def actor_names(
    request: HttpRequest, recorded: Iterable[Recorded[Event]], level: Level | None, others: Iterable[UUID] = ()
) -> dict[UUID, str]:
    """Today's names by id, those of some `others` too; a key that was revoked keeps its own."""
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    actors = {item.metadata.actor for item in recorded}
    users = {actor.id for actor in actors if actor.id and actor.kind == "user"} | set(others)
    names = await services.reads.ask(
        tenant_id, partial(user_queries.names, tenant_id=tenant_id, ids=sorted(users)), at_least=level
    )
    if any(actor.kind == "api_key" for actor in actors):
        access = await services.authorization.access(tenant_id)
        names |= {actor.id: access.keys[actor.id].name for actor in actors if actor.id and actor.id in access.keys}
    return names
