"""Permissions, how far they reach, and the roles that every tenant starts with: the table that the gate enforces."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import cache
from types import MappingProxyType


class Scope(IntEnum):
    """Which records a permission is good for; each includes those before it."""

    OWN = 1
    TEAM = 2
    ALL = 3

    @property
    def word(self) -> str:
        """As roles and answers spell it."""
        return self.name.lower()


PERMISSIONS: dict[str, str] = {
    "contacts.read": "See contacts, companies and their history",
    "contacts.write": "Add and change contacts and companies",
    "contacts.delete": "Delete contacts and companies",
    "contacts.import": "Import contacts from files",
    "contacts.export": "Export contacts to files",
    "contacts.merge": "Merge contacts, and undo a merge",
    "interactions.read": "See interactions, next actions and the review queue",
    "interactions.write": "Log and change interactions, write and delete notes",
    "leads.read": "See leads, customers, follow-ups and the pipeline",
    "leads.write": "Add and change leads, and move them through the pipeline",
    "leads.delete": "Delete leads",
    "leads.assign": "Give a lead to another owner",
    "leads.convert": "Convert leads to customers, and undo that",
    "reports.read": "See reports",
    "users.read": "See users, teams and roles",
    "users.manage": "Add, invite, change and suspend users; manage teams",
    "roles.manage": "Define and change roles",
    "audit.read": "See the audit trail, security events, and who could see a contact",
    "events.read": "Read the feed of events",
    "webhooks.manage": "Manage webhooks",
    "api_keys.manage": "Issue and revoke API keys",
    "privacy.manage": "Handle consents, erasures and retention",
    "settings.read": "See settings",
    "settings.manage": "Change settings, custom fields and rules",
    "history.backdate": "Date moves of leads in the past",
}
"""What can be allowed, with the words that people see."""

SCOPED = frozenset(name for name in PERMISSIONS if name.partition(".")[0] in {"contacts", "interactions", "leads"})
"""Permissions about records that have owners: these can be limited to one's own, or to one's teams'."""

Grants = Mapping[str, Scope]
"""Permissions held, each with its scope; those that can't be limited have ALL."""


def grants(*spelt: str) -> Grants:
    """Grants from their spelling: "leads.write:own"; "reports.read"; "contacts.*:all" for all of a resource's.

    Raises:
        ValueError: one is no grant.
    """
    found: dict[str, Scope] = {}
    for text in spelt:
        name, _, word = text.partition(":")
        scope = next((scope for scope in Scope if scope.word == (word or "all")), None)
        resource = name.removesuffix(".*")
        names = [name] if resource == name else [each for each in PERMISSIONS if each.startswith(f"{resource}.")]
        if scope is None or not names or any(each not in PERMISSIONS for each in names):
            raise ValueError(f"{text!r} is no permission")
        if word and not all(each in SCOPED for each in names):
            raise ValueError(f"{name} takes no scope")
        for each in names:
            found[each] = max(scope, found.get(each, scope))
    return MappingProxyType(found)


def spelt(held: Grants) -> list[str]:
    """Grants as roles and answers spell them, in order."""
    return [_spelt(name, scope) for name, scope in sorted(held.items())]


@cache
def _spelt(name: str, scope: Scope) -> str:
    return f"{name}:{scope.word}" if name in SCOPED else name


def union(parts: Iterable[Grants]) -> Grants:
    """What several roles allow together: of each permission the widest scope."""
    found: dict[str, Scope] = {}
    for part in parts:
        for name, scope in part.items():
            found[name] = max(scope, found.get(name, scope))
    return MappingProxyType(found)


ADMIN = "admin"
BUILT_IN_ROLES: Mapping[str, Grants] = MappingProxyType(
    {
        ADMIN: grants(*PERMISSIONS),
        "manager": grants(
            *("contacts.*:all", "interactions.*:all", "leads.*:all"),
            *("reports.read", "users.read", "audit.read", "settings.read", "history.backdate"),
        ),
        "sales": grants(
            *("contacts.read:all", "contacts.write:team", "interactions.read:all", "interactions.write:own"),
            *("leads.read:team", "leads.write:team", "leads.assign:team", "leads.convert:team"),
            *("reports.read", "users.read"),
        ),
        "marketing": grants(
            *("contacts.read:all", "contacts.write:all", "contacts.import:all", "contacts.export:all"),
            *("interactions.read:all", "leads.read:all", "leads.write:all", "reports.read"),
        ),
    }
)
