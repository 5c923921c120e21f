"""Who may see companies, and write what of them: they are nobody's own, and one field of contacts where roles rule."""

from collections.abc import Callable

from msgspec import structs

from api.http.exchange import HttpRequest, principal_of
from commands.custom_fields.values import Fields, live
from commands.identity.access import Principal, lacking
from commands.visible import View, view_of_kind
from domain.custom_field import RecordKind
from domain.field_rules import FieldAccess
from projections.companies.queries import CompanyView

COMPANY = RecordKind.COMPANY


def company_told(caller: Principal, defined: Fields | None = None) -> Callable[[CompanyView], CompanyView]:
    """What makes of a company what is told of it: no values of custom fields that are not there (`defined`, or now)."""
    fields = live(caller.custom.get(COMPANY, {}) if defined is None else defined)

    def told(found: CompanyView) -> CompanyView:
        if found.custom.keys() <= fields.keys():
            return found
        return structs.replace(found, custom={key: value for key, value in found.custom.items() if key in fields})

    return told


def sight_of(request: HttpRequest, permission: str, *, writing: bool = False) -> View:
    """What the caller may see of companies.

    With `writing`, of one who adds or removes a whole company: of a change, each member that is refused is told.

    Raises:
        DomainError: permission.missing, the caller's roles hide companies, or don't let them be written.
    """
    view = view_of_kind(principal_of(request), COMPANY)
    access = view.access(COMPANY)
    if access is FieldAccess.HIDDEN or (writing and access is not FieldAccess.WRITE):
        raise lacking(permission)
    return view
