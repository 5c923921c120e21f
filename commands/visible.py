"""What a caller may see and write of a resource: one view for answers, searches, histories, files and bodies."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from commands.identity.access import Principal
from commands.normalise import pointer
from domain.custom_field import CustomField
from domain.errors import FieldError
from domain.field_rules import ALIASES, OPEN, FieldAccess, Rules, access

CONTACTS = "contacts"
INTERACTIONS = "interactions"
LEADS = "leads"
MANAGING_FIELDS = "settings.manage"

_OF_KIND: Mapping[str, tuple[str, str | None]] = {
    "contact": (CONTACTS, None),
    "company": (CONTACTS, "company"),
    "interaction": (INTERACTIONS, None),
    "lead": (LEADS, None),
}
"""Kind of record to the resource whose rules it is under, and the field, if it is one, that all of it is about."""


class View(Struct, frozen=True):
    """What may be seen and written under some rules.

    Members and paths go by any name that answers, bodies, events, histories and searches have for a field: company_id
    is about `company`, name.given about `name`, custom.salary about itself.
    """

    rules: Rules
    whole: str | None = None
    """The field that everything is about here."""

    @property
    def is_free(self) -> bool:
        """Whether there is nothing to look at: all is seen and may be written."""
        return not self.rules

    def access(self, path: str) -> FieldAccess:
        """What may be done with what stands at a path."""
        path = self.whole or path
        root = path.partition(".")[0]
        return access(self.rules, path if root == OPEN else ALIASES.get(root, root))

    def hides(self, path: str) -> bool:
        """Whether it must not be seen."""
        return self.access(path) is FieldAccess.HIDDEN

    def writes(self, path: str) -> bool:
        """Whether it may be written, with all that is in it."""
        return self._may_write_whole(path)

    def shown(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """An object without what must not be seen."""
        found = {name: value for name, value in members.items() if not self.hides(name)}
        if isinstance(custom := members.get(OPEN), Mapping):
            kept = {key: value for key, value in custom.items() if not self.hides(f"{OPEN}.{key}")}
            if kept or OPEN in found:
                found[OPEN] = kept
        return found

    def writable(self, members: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
        """The members of a body that may be written, and the refusal of each other; their values are not looked at."""
        good: dict[str, Any] = {}
        refused: list[FieldError] = []
        for name, value in members.items():
            if name == OPEN and isinstance(value, dict) and value:
                good[name] = {key: part for key, part in value.items() if self._may_write(f"{OPEN}.{key}")}
                refused += [_refusal(pointer(f"/{OPEN}", key)) for key in value if key not in good[name]]
            elif self._may_write_whole(name):
                good[name] = value
            else:
                refused.append(_refusal(pointer("", name)))
        return good, refused

    def _may_write(self, path: str) -> bool:
        return self.access(path) is FieldAccess.WRITE

    def _may_write_whole(self, name: str) -> bool:
        parts = (path for path in self.rules if path.startswith(f"{name}."))
        return self._may_write(name) and all(map(self._may_write, parts))


def view_of(caller: Principal, resource: str) -> View:
    """What a caller may see and write of a resource."""
    return View(caller.fields.get(resource, {}))


def view_of_kind(caller: Principal, kind: str) -> View:
    """What a caller may see of a kind of record (contact, company ...) in its events and history."""
    resource, whole = _OF_KIND.get(kind, ("", None))
    return View(caller.fields.get(resource, {}), whole)


def _refusal(at: str) -> FieldError:
    # The same for what may be read only and for what is hidden.
    return FieldError(at, "field.not_writable", "is not for you to write; leave it out")


def is_told(caller: Principal, field: CustomField) -> bool:
    """Whether a caller is told of a custom field. Whoever manages them is told of all; that is no value yet."""
    return caller.may(MANAGING_FIELDS) or not view_of_kind(caller, field.kind).hides(f"{OPEN}.{field.key}")
