"""Who may see companies, and write what of them: they are nobody's own, and one field of contacts where roles rule."""

from api.http.exchange import HttpRequest, principal_of
from commands.access import lacking
from commands.visible import View, view_of_kind
from domain.field_rules import FieldAccess

COMPANY = "company"


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
