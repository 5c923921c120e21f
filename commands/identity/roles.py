"""What can be asked of the roles that a tenant defines. Pure: state in, events out.

Nobody makes a role allow what they don't hold themselves, nor takes that away.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from commands import normalise
from commands.decision import Decision, Given
from commands.identity.members import require_held
from commands.normalise import Problems
from commands.ports import Claim
from domain.access import BUILT_IN_ROLES, Grants, Scope, grants, spelt
from domain.authorization import Access
from domain.errors import DomainError, FieldError
from domain.field_rules import RULED, FieldRule, Rights, named, ruled, together
from domain.role import Role, RoleChanged, RoleDefined, RoleDeleted

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LONGEST = 100
KEY_CLAIM = "role.key"


class DefineRole(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new role; without a key, its name makes one. Permissions are spelt like "leads.write:own"."""

    name: str
    permissions: list[str]
    field_rules: list[FieldRule] = []
    key: str | None = None


class ChangeRole(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch of a role; its key stays."""

    name: str | UnsetType = UNSET
    permissions: list[str] | UnsetType = UNSET
    field_rules: list[FieldRule] | UnsetType = UNSET


class DeleteRole(Struct, forbid_unknown_fields=True):
    """A role less."""


class ByHolder(Struct, frozen=True):
    """What is asked of roles, by somebody who holds these rights, in a tenant with this access."""

    asked: Any
    by: Rights
    access: Access


def define(command: ByHolder, given: Given[Role]) -> Decision:
    """A role more.

    Raises:
        InvalidError, DomainError: bad members, permission.missing or role.key_taken.
    """
    asked = command.asked
    problems = Problems(given.errors)
    name = _name(asked.name, problems) if isinstance(asked.name, str) else ""
    held = _grants(asked.permissions or (), problems)
    rules = _rules(asked.field_rules or (), problems)
    key = asked.key if asked.key is not None else key_of(name)
    if name and not _KEY.fullmatch(key):
        problems.add("/key", "role.key_invalid", "a key has 1 to 64 of a-z, 0-9, _ and -")
    problems.raise_if_any()
    require_held(Rights(held, ruled(rules)), command.by)
    claim = Claim(given.tenant_id, KEY_CLAIM, key, given.stream_id)
    if key in BUILT_IN_ROLES:
        raise key_taken(claim)
    defined = RoleDefined(key=key, name=name, permissions=tuple(spelt(held)), field_rules=rules)
    return Decision(events=(defined,), claims=(claim,))


def change(command: ByHolder, given: Given[Role]) -> Decision:
    """Another name, other permissions or field rules; nothing when they are the same.

    Raises:
        InvalidError, DomainError: bad members or permission.missing.
    """
    role, asked = _there(given.state), command.asked
    problems = Problems(given.errors)
    name = _name(asked.name, problems) if isinstance(asked.name, str) else role.name
    before = _rights(role)
    held = before.grants if isinstance(asked.permissions, UnsetType) else _grants(asked.permissions or (), problems)
    rules = role.field_rules if isinstance(asked.field_rules, UnsetType) else _rules(asked.field_rules or (), problems)
    problems.raise_if_any()
    require_held(_moved(before, Rights(held, ruled(rules))), command.by)
    changed = RoleChanged(
        name=name if name != role.name else UNSET,
        permissions=tuple(spelt(held)) if held != before.grants else UNSET,
        field_rules=rules if rules != role.field_rules else UNSET,
    )
    return Decision(events=(changed,)) if changed != RoleChanged() else Decision()


def delete(command: ByHolder, given: Given[Role]) -> Decision:
    """A role less, which nobody holds any more.

    Raises:
        DomainError: permission.missing or role.in_use.
    """
    role = _there(given.state)
    require_held(_rights(role), command.by)
    if command.access.is_held(role.key):
        raise DomainError(
            "role.in_use",
            "users or API keys hold this role",
            hint="Give the users other roles and revoke the keys first; the lists of both show who holds it.",
        )
    return Decision(events=(RoleDeleted(),), releases=(Claim(given.tenant_id, KEY_CLAIM, role.key, given.stream_id),))


def key_of(name: str) -> str:
    """The key that a name makes: "Sales (DACH)" gives sales-dach."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:64]


def key_taken(_: Claim) -> DomainError:
    """The refusal of a key that another role has."""
    return DomainError(
        "role.key_taken",
        "another role has this key",
        hint="Change that role, or send another key.",
        errors=(FieldError("/key", "role.key_taken", "belongs to another role"),),
    )


def _name(text: str, problems: Problems) -> str:
    return normalise.filled(text, "/name", problems, longest=_LONGEST)


def _grants(texts: Iterable[str | None], problems: Problems) -> Grants:
    good: list[str] = []
    for index, text in enumerate(texts):
        if text is None:  # could not be read, and is in the problems already
            continue
        try:
            grants(text)
        except ValueError as error:
            problems.add(f"/permissions/{index}", "permission.unknown", f"{error}; GET /v1/permissions lists them")
        else:
            good.append(text)
    return grants(*good)


def _rules(rules: Iterable[FieldRule | None], problems: Problems) -> tuple[FieldRule, ...]:
    """Field rules by the names that fields have here, each field once."""
    good: dict[tuple[str, str], FieldRule] = {}
    for index, rule in enumerate(rules):
        if rule is None:  # as above
            continue
        at, field = f"/field_rules/{index}", named(rule.resource, rule.field)
        if rule.resource not in RULED:
            known = ", ".join(RULED)
            problems.add(f"{at}/resource", "field_rule.unknown", f"has no fields that can be ruled; {known} has")
        elif field is None:
            known = ", ".join(RULED[rule.resource])
            problems.add(f"{at}/field", "field_rule.unknown", f"can't be ruled; {known} can, and custom.KEY")
        elif (rule.resource, field) in good:
            problems.add(f"{at}/field", "value.repeated", "has a rule in the list already")
        else:
            good[rule.resource, field] = structs.replace(rule, field=field)
    return tuple(good.values())


def _rights(role: Role) -> Rights:
    return Rights(grants(*role.permissions), ruled(role.field_rules))


def _moved(before: Rights, after: Rights) -> Rights:
    """What is given or taken by a change; what is the same before and after is neither."""
    moved = {
        each: max(before.grants.get(each, Scope.OWN), after.grants.get(each, Scope.OWN))
        for each in before.grants.keys() | after.grants.keys()
        if before.grants.get(each) != after.grants.get(each)
    }
    # Where a permission moves, so do the fields that come with it.
    both = together((before, after))
    fields = {
        resource: both.fields.get(resource, {})
        for resource in RULED
        if both.shows(resource)
        and (Rights(moved).shows(resource) or before.fields.get(resource) != after.fields.get(resource))
    }
    return Rights(moved, fields)


def _there(role: Role | None) -> Role:
    assert role is not None  # noqa: S101  a use case that does not create always has a state
    return role
