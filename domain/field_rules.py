"""How far roles reach into the fields of what they allow: hidden, to read, or to write.

A role without a rule for a field lets it be written, as far as it allows anything with the resource at all; of several
roles the most permissive one wins. What is ruled of `custom` holds for each of its members that has no rule of its own.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta, Struct

from domain.access import Grants, union


class FieldAccess(StrEnum):
    """What may be done with a field; each allows what those before it do."""

    HIDDEN = "hidden"
    READ = "read"
    WRITE = "write"

    @property
    def rank(self) -> int:
        """More is more."""
        return _RANKS[self]


_RANKS = {access: rank for rank, access in enumerate(FieldAccess)}


RULED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "contacts": (
            *("name", "emails", "phones", "company", "title", "tags", "owner_id", "custom", "external_ids"),
            "lifecycle",
        ),
        "interactions": (
            *("type", "channel", "direction", "participants", "subject", "body", "outcome", "duration_seconds"),
            *("next_action", "attachments"),
        ),
        "leads": (
            *("title", "contact", "company", "owner_id", "source", "value", "lost_reason", "tags", "custom"),
            "external_ids",
        ),
    }
)
"""The fields of each resource that rules can be about. Ids, versions and times are always told."""

_NAMES = "; ".join(f"of {name}: {', '.join(fields)}" for name, fields in RULED.items())
_NAMES = f"{_NAMES}; or custom.KEY for one custom field.".capitalize()


class FieldRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of a role: a resource as permissions name it, and a field as answers name it, or like custom.salary."""

    resource: Annotated[str, Meta(description=f"One of: {', '.join(RULED)}.", examples=["contacts"])]
    field: Annotated[str, Meta(description=_NAMES, examples=["emails", "custom.salary"])]
    access: FieldAccess


ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "email": "emails",
        "phone": "phones",
        "company_id": "company",
        "former_ids": "external_ids",
        "contact_id": "contact",
        "reason": "lost_reason",
        "due_at": "next_action",
        "suggested_contact": "participants",
    }
)
"""Other names that input, filters, events, histories and searches have for those fields."""

OPEN = "custom"
"""The field whose members can be ruled one by one."""

_KEY = re.compile(r"custom\.[a-z][a-z0-9_]{0,62}")

_TELLING = frozenset({"audit.read", "events.read", "privacy.manage", "webhooks.manage"})
"""Permissions that show fields of every resource without being about one."""

Rules = Mapping[str, FieldAccess]
"""What is ruled of one resource, by field."""
Fields = Mapping[str, Rules]
"""What is ruled, by resource. Whatever is not there is free."""

FREE: Fields = MappingProxyType({})


class Rights(Struct, frozen=True):
    """All that a role, or several together, allow."""

    grants: Grants
    fields: Fields = FREE

    def concerns(self, resource: str) -> bool:
        """Whether anything is allowed with a resource."""
        return any(name.startswith(f"{resource}.") for name in self.grants)

    def shows(self, resource: str) -> bool:
        """Whether fields of a resource can be seen by it, be it in the audit trail."""
        return self.concerns(resource) or not _TELLING.isdisjoint(self.grants)


def named(resource: str, field: str) -> str | None:
    """A field by the name that rules have for it; None when there is none that could be ruled."""
    found = ALIASES.get(field, field)
    return found if found in RULED.get(resource, ()) or (resource in RULED and _KEY.fullmatch(found)) else None


def ruled(rules: Iterable[FieldRule]) -> Fields:
    """A role's rules as what they say."""
    found: dict[str, dict[str, FieldAccess]] = {}
    for rule in rules:
        found.setdefault(rule.resource, {})[rule.field] = rule.access
    return MappingProxyType(found) if found else FREE


def spelt(fields: Fields) -> Iterable[FieldRule]:
    """What is ruled, as roles and answers have it."""
    return (FieldRule(resource, field, what) for resource, rules in fields.items() for field, what in rules.items())


def access(rules: Rules, field: str) -> FieldAccess:
    """What may be done with a field under the rules of its resource."""
    own = rules.get(field)
    return own or rules.get(field.partition(".")[0], FieldAccess.WRITE)


def together(parts: Iterable[Rights]) -> Rights:
    """What several roles allow: of each permission the widest scope, of each field the most permissive rule.

    The rules of roles that allow nothing with a resource count where none of the roles does: an auditor's may say what
    is seen in the audit trail.
    """
    all_ = list(parts)
    found: dict[str, Rules] = {}
    for resource in RULED:
        ruling = [each.fields.get(resource, {}) for each in all_ if each.concerns(resource)]
        ruling = ruling or [each.fields[resource] for each in all_ if resource in each.fields]
        paths = sorted({path for rules in ruling for path in rules})
        loosest = {path: max((access(rules, path) for rules in ruling), key=_RANKS.__getitem__) for path in paths}
        # The whole before its members (custom before custom.salary), which are told where they differ.
        told: dict[str, FieldAccess] = {}
        for path, allowed in loosest.items():
            if allowed is not access(told, path):
                told[path] = allowed
        if told:
            found[resource] = told
    return Rights(union(each.grants for each in all_), found or FREE)


def excess(needed: Rights, by: Rights) -> Iterable[FieldRule]:
    """Fields that `needed` allows more with than `by` does, each with what `by` allows.

    Of the resources whose fields `needed` shows or names.
    """
    for resource, mine in by.fields.items():
        if resource not in needed.fields and not needed.shows(resource):
            continue
        theirs = needed.fields.get(resource, {})
        for path in sorted({*mine, *theirs}):
            if access(theirs, path).rank > access(mine, path).rank:
                yield FieldRule(resource, path, access(mine, path))
