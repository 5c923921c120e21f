"""Whose imports a caller may see and go on with: all of them, or those of one's own or one's team."""

from typing import Any
from uuid import UUID

from msgspec import structs

from api.http.exchange import HttpRequest, principal_of, services_of
from commands.handle import UseCase
from commands.identity.access import Principal
from commands.imports.portion import PERMISSION
from domain.errors import NotFoundError
from domain.imports import Import, evolve


def within(case: UseCase[Any, Import], caller: Principal) -> UseCase[Any, Import]:
    """The same use case, for which imports out of reach are missing."""

    def admit(state: Import) -> None:
        _require(state, caller)

    return structs.replace(case, admit=admit)


async def import_of(request: HttpRequest, import_id: UUID) -> Import:
    """An import as it stands.

    Raises:
        NotFoundError: it is not there, or not for this caller.
    """
    caller = principal_of(request)
    state = await services_of(request).handler.state(caller.tenant_id, "import", evolve, import_id)
    _require(state, caller)
    return state


def _require(state: Import, caller: Principal) -> None:
    if not caller.reaches(PERMISSION, state.owner_id):
        raise NotFoundError("import")
