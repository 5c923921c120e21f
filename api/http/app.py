"""The HTTP application."""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from api.http import audit, docs, health, metrics, openapi, problems
from api.http.companies import routes as companies
from api.http.contacts import access as contact_access
from api.http.contacts import batches, duplicates, matching_rules, relationships
from api.http.contacts import merge as contact_merge
from api.http.contacts import routes as contacts
from api.http.custom_fields import routes as custom_fields
from api.http.gate import Tracing, served
from api.http.identity import (
    api_keys,
    auth,
    invites,
    me,
    roles,
    second_factor,
    sessions,
    tenant_settings,
    user_access,
    users,
)
from api.http.imports import routes as imports
from api.http.inbound import emails as inbound
from api.http.interactions import notes, timelines
from api.http.interactions import reads as interactions
from api.http.leads import customers, scoring_rules
from api.http.leads import routes as leads
from api.http.leads import score as lead_score
from api.http.notifications import routes as notifications
from api.http.operation import PUBLIC, SIGNED_IN, Operation
from api.http.reports import routes as reports
from api.http.services import Services
from commands.ports import StoreUnavailableError, UnreadableEventError
from domain.access import PERMISSIONS
from domain.errors import DomainError
from projections.contacts.search import SearchUnavailableError

ROUTERS = (
    auth.ROOT,
    auth.ROUTER,
    sessions.ROUTER,
    second_factor.ROUTER,
    me.ROUTER,
    users.ROUTER,
    user_access.ROUTER,
    invites.ROUTER,
    roles.ROUTER,
    api_keys.ROUTER,
    audit.ROUTER,
    batches.ROUTER,
    companies.ROUTER,
    contact_access.ROUTER,
    contact_merge.ROUTER,
    contacts.ROUTER,
    duplicates.ROUTER,
    matching_rules.ROUTER,
    tenant_settings.ROUTER,
    notifications.ROUTER,
    relationships.ROUTER,
    interactions.ROUTER,
    inbound.ROUTER,
    notes.ROUTER,
    timelines.ROUTER,
    reports.ROUTER,
    custom_fields.ROUTER,
    imports.ROUTER,
    leads.ROUTER,
    lead_score.ROUTER,
    scoring_rules.ROUTER,
    customers.ROUTER,
    health.ROUTER,
    metrics.ROUTER,
    docs.ROUTER,
)
"""Every way in. A new resource is a new file and one name here."""


class UndeclaredPermissionError(Exception):
    """A route does not say who may use it; the application does not start."""


class UnservableError(Exception):
    """A route takes something else than the request; the application does not start."""


def build(services: Services) -> Tracing:
    """The ASGI application.

    Raises:
        UndeclaredPermissionError: a route has no operation, or needs a permission that is not in the table.
        UnservableError: the gate could not call a route.
    """
    app = Litestar(
        route_handlers=list(ROUTERS),
        before_request=served,
        exception_handlers={
            DomainError: problems.refused,
            StoreUnavailableError: problems.unavailable,
            UnreadableEventError: problems.unreadable,
            SearchUnavailableError: problems.search_unavailable,
            HTTPException: problems.by_framework,
            Exception: problems.unexpected,
        },
        openapi_config=None,
        logging_config=None,
    )
    declared = list(operations(app))
    app.state.openapi = openapi.document(declared)
    app.state.methods = {path: sorted(m for other, m, _ in declared if other == path) for path, _, _ in declared}
    return Tracing(app, services)


def operations(app: Litestar) -> Iterator[tuple[str, str, Operation]]:
    """Path, method and operation of every route."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if not isinstance(handler, HTTPRouteHandler):
                continue
            if handler.fn.__module__.startswith("litestar."):  # its own answers to OPTIONS
                continue
            for method in sorted(handler.http_methods):
                found: Any = handler.opt.get("operation")
                if not isinstance(found, Operation):
                    raise UndeclaredPermissionError(f"{method} {route.path} declares no operation")
                if found.permission not in {PUBLIC, SIGNED_IN, *PERMISSIONS}:
                    raise UndeclaredPermissionError(
                        f"{method} {route.path} needs {found.permission!r}, which is no permission"
                    )
                if handler.resolve_before_request() is not served:
                    raise UndeclaredPermissionError(
                        f"{method} {route.path} has a before_request, which replaces the gate"
                    )
                if [*handler.parsed_fn_signature.parameters] != ["request"] or handler.has_sync_callable:
                    raise UnservableError(f"{method} {route.path} is no coroutine function of the request alone")
                yield route.path_format, method, found
