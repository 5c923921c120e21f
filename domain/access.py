"""Permissions and the roles that every tenant starts with. This table is what the guards enforce."""

from collections.abc import Iterable

PERMISSIONS: dict[str, str] = {
    "contacts.read": "See contacts, companies and their history",
    "contacts.write": "Add and change contacts and companies",
    "contacts.delete": "Delete contacts and companies",
}
"""What can be allowed, with the words that people see. Grows with the routes that need it."""

BUILT_IN_ROLES: dict[str, frozenset[str]] = {
    "admin": frozenset(PERMISSIONS),
}


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """The union of what the roles allow; a role that is not known allows nothing."""
    return frozenset().union(*(BUILT_IN_ROLES.get(role, frozenset()) for role in roles))
