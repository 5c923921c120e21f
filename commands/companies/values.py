"""The values that a patch of a company asks for: read, normalised, and every bad one told. Pure."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands import normalise
from commands.companies.input import Ancestor, ChangeCompany
from commands.custom_fields import values as custom_values
from commands.decision import Given
from commands.normalise import Problems
from domain.company import Company

MOST_LEVELS = 20
"""So many companies may stand in one line, each the parent of the next."""

_LONGEST = 200
_MOST_PEOPLE = 10**9
_MOST = 50
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATH = re.compile(r"[/?#]")
_PORT = re.compile(r":\d*$")


def wanted(
    patch: ChangeCompany, line: Sequence[Ancestor], before: Company, given: Given[Company], problems: Problems
) -> dict[str, Any]:
    """The values that a patch asks for by field."""
    values: dict[str, Any] = {}
    if isinstance(patch.name, str):
        values["name"] = normalise.filled(patch.name, "/name", problems, longest=_LONGEST)
    if patch.domain is not UNSET:
        values["domain"] = domain(patch.domain, "/domain", problems) if patch.domain else None
    if patch.industry is not UNSET:
        industry = patch.industry or ""
        values["industry"] = normalise.line(industry, "/industry", problems, longest=_LONGEST)
    if patch.size is not UNSET:
        values["size"] = _size(patch.size, problems)
    if patch.parent_id is not UNSET:
        values["parent_id"] = patch.parent_id
        if patch.parent_id is not None and patch.parent_id != before.parent_id:
            _check_parent(patch.parent_id, line, before.id, problems)
    if patch.custom is not UNSET:
        values["custom"] = custom_values.wanted(patch.custom, before.custom, given.custom, problems)
    if patch.external_ids is not UNSET:
        values["external_ids"] = _external_ids(patch.external_ids, before, problems)
    return values


def domain(text: str, at: str, problems: Problems) -> str | None:
    """A domain as it is compared: of an address the host alone, in lower case, without www, in Unicode."""
    host = _SCHEME.sub("", text.strip(), count=1)
    host = _PORT.sub("", _PATH.split(host, maxsplit=1)[0]).rstrip(".").lower().removeprefix("www.")
    # What can stand after the @ of an e-mail is a domain, and is normalised in the same way.
    found = normalise.email(f"x@{host}", at, Problems()) if "@" not in host else None
    normal = (found or "").partition("@")[2]
    if not normal or normal.rpartition(".")[2].isdecimal():
        problems.add(at, "domain.invalid", "is no domain like engines.example")
        return None
    return normal


def _size(asked: int | str | None, problems: Problems) -> int | str | None:
    if isinstance(asked, str):
        return normalise.line(asked, "/size", problems, longest=_MOST)
    if asked is not None and not 0 <= asked <= _MOST_PEOPLE:
        problems.add("/size", "number.out_of_range", f"must be between 0 and {_MOST_PEOPLE}")
    return asked


def _check_parent(parent_id: UUID, line: Sequence[Ancestor], own_id: UUID, problems: Problems) -> None:
    if own_id == parent_id or any(each.id == own_id for each in line):
        problems.add("/parent_id", "company.parent_below", "is this company itself, or one that is below it")
    elif not line or line[0].id != parent_id:
        problems.add("/parent_id", "company.not_found", "is no company of this tenant")
    elif len(line) >= MOST_LEVELS:
        problems.add("/parent_id", "company.parent_too_deep", f"has {MOST_LEVELS - 1} companies or more above it")


def _external_ids(
    asked: dict[str, str | None] | UnsetType | None, before: Company, problems: Problems
) -> dict[str, str]:
    patch = normalise.external_ids(asked, "/external_ids", problems) if isinstance(asked, dict) else {}
    merged = {**(before.external_ids if asked is not None else {}), **patch}
    found = {system: value for system, value in merged.items() if value is not None}
    if len(found) > _MOST:
        problems.add("/external_ids", "list.too_long", f"more than {_MOST} of them are not allowed")
    return found
