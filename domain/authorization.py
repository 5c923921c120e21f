"""Who may do what in a tenant: a fold of the events that say so, at the position of the last one.

Kept by every process and brought up to date with every request, so that a change holds from the moment of its commit.
As of a past position it answers who might have done what then.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, UnsetType, field, structs

from domain import custom_field
from domain.access import ADMIN, BUILT_IN_ROLES, Grants, grants, union
from domain.api_key import ApiKeyIssued, ApiKeyRevoked
from domain.custom_field import CustomField
from domain.field_rules import FREE, Fields, Rights, ruled, together
from domain.role import AdminRemoved, RoleChanged, RoleDefined, RoleDeleted
from domain.team import TeamFounded, TeamMembersChanged
from domain.tenant import TenantRestored, TenantSuspended
from domain.tenant_settings import USUAL, Settings, SettingsChanged
from domain.user import UserRestored, UserRolesChanged, UserSignedOut, UserSuspended


class Admitted(Struct, frozen=True):
    """The part of user.registered that says what the user may do; the rest is personal, and not looked at."""

    roles: tuple[str, ...] = ()


class Invited(Struct, frozen=True):
    """The same part of user.invited: what the user may do once joined."""

    roles: tuple[str, ...] = ()


class Joined(Struct, frozen=True):
    """Nothing of user.joined but that it happened."""


_WHOLE = (
    *(UserRolesChanged, UserSuspended, UserRestored, UserSignedOut),
    *(RoleDefined, RoleChanged, RoleDeleted, AdminRemoved),
    *(TeamFounded, TeamMembersChanged),
    *(ApiKeyIssued, ApiKeyRevoked),
    *custom_field.EVENTS,
    *(TenantSuspended, TenantRestored),
    SettingsChanged,
)
FACTS: Mapping[str, msgspec.json.Decoder[Any]] = MappingProxyType(
    {
        "user.registered.v1": msgspec.json.Decoder(Admitted),
        "user.invited.v1": msgspec.json.Decoder(Invited),
        "user.joined.v1": msgspec.json.Decoder(Joined),
        **{kind.TOPIC: msgspec.json.Decoder[Any](kind) for kind in _WHOLE},
    }
)
"""Topic to what is read of its data: never anything personal, so that no key is needed. The index event_access (see
infra/event_store/sql) is over the same topics."""


_SOME_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Fact(Struct, frozen=True):
    """One of those events."""

    position: int
    stream_id: UUID
    topic: str
    data: bytes


class Member(Struct, frozen=True):
    """A user, who may have been invited and not joined yet. `epoch` counts what ended all of the user's sessions."""

    roles: tuple[str, ...]
    epoch: int = 0
    suspended: bool = False
    joined: bool = True


class Defined(Struct, frozen=True):
    """A role that the tenant defined."""

    key: str
    grants: Grants
    fields: Fields = FREE


class Key(Struct, frozen=True):
    """An API key; of one that was revoked little more than its name stays, for what it did is in the log."""

    name: str
    roles: tuple[str, ...]
    user_id: UUID
    digest: str
    expires_at: datetime | None = None
    revoked: bool = False

    def is_good(self, at: datetime) -> bool:
        """Whether it opens something at a moment."""
        return not self.revoked and (self.expires_at is None or at < self.expires_at)


def teams_of(teams: Mapping[UUID, frozenset[UUID]], user_id: UUID) -> list[UUID]:
    """Those of the teams that a user is in."""
    return [team_id for team_id, user_ids in teams.items() if user_id in user_ids]


class Access(Struct, frozen=True):
    """State of a tenant's access as of a position; `removals` counts admins that are none any more."""

    position: int = 0
    removals: int = 0
    members: Mapping[UUID, Member] = field(default_factory=dict)
    defined: Mapping[UUID, Defined] = field(default_factory=dict)
    teams: Mapping[UUID, frozenset[UUID]] = field(default_factory=dict)
    keys: Mapping[UUID, Key] = field(default_factory=dict)
    suspended: bool = False
    """The whole tenant, by the operator of the platform: nobody of it may do anything."""
    custom: Mapping[str, Mapping[str, CustomField]] = field(default_factory=dict)
    """Custom fields by kind of record and key, deleted ones too; it is not told when they were changed. They are no
    matter of access, but whoever writes must know them just as surely, and so they cost no look of their own."""
    settings: Settings = USUAL
    """What the tenant has set: no matter of access either, and known for the same reason."""

    @property
    def roles(self) -> dict[str, Grants]:
        """Every role of the tenant by its key."""
        return {**BUILT_IN_ROLES, **{role.key: role.grants for role in self.defined.values()}}

    def granted(self, roles: Iterable[str]) -> Grants:
        """What roles allow together; one that is not known allows nothing."""
        if not self.defined:
            return union(BUILT_IN_ROLES[key] for key in roles if key in BUILT_IN_ROLES)
        known = self.roles
        return union(known[key] for key in roles if key in known)

    def rights(self, roles: Iterable[str]) -> Rights:
        """What roles allow together, down to the fields."""
        held = tuple(roles)
        if not any(role.fields for role in self.defined.values()):
            return Rights(self.granted(held))
        known = {role.key: Rights(role.grants, role.fields) for role in self.defined.values()}
        known |= {key: Rights(grants) for key, grants in BUILT_IN_ROLES.items() if key not in known}
        return together(known[key] for key in held if key in known)

    def teams_of(self, user_id: UUID) -> list[UUID]:
        """The teams that a user is in."""
        return teams_of(self.teams, user_id)

    def colleagues_of(self, user_id: UUID) -> frozenset[UUID]:
        """Everybody who shares a team with a user."""
        return frozenset().union(*(user_ids for user_ids in self.teams.values() if user_id in user_ids))

    def is_held(self, role: str) -> bool:
        """Whether a user, or an API key that is good, has a role."""
        keys = (key.roles for key in self.keys.values() if not key.revoked)
        return any(role in roles for roles in (*(member.roles for member in self.members.values()), *keys))

    @property
    def admins(self) -> frozenset[UUID]:
        """Users who may do everything, and are there to do it."""
        return frozenset(
            user_id
            for user_id, member in self.members.items()
            if ADMIN in member.roles and member.joined and not member.suspended
        )


class _Changing:
    """What a fold works on."""

    def __init__(self, access: Access) -> None:
        self.members = dict(access.members)
        self.defined = dict(access.defined)
        self.teams = dict(access.teams)
        self.keys = dict(access.keys)
        self.removals = access.removals
        self.suspended = access.suspended
        self.settings = access.settings
        self.custom = {kind: dict(fields) for kind, fields in access.custom.items()}
        self.custom_ids = {each.id: each for fields in access.custom.values() for each in fields.values()}

    def apply(self, stream_id: UUID, event: Any) -> None:
        match event:
            case Admitted(roles=roles):
                self.members[stream_id] = Member(roles)
            case Invited(roles=roles):
                self.members[stream_id] = Member(roles, joined=False)
            case RoleDefined(key=key, permissions=permissions, field_rules=rules):
                self.defined[stream_id] = Defined(key, grants(*permissions), ruled(rules))
            case RoleChanged():
                self.defined[stream_id] = _redefined(self.defined[stream_id], event)
            case RoleDeleted():
                del self.defined[stream_id]
            case TeamFounded():
                self.teams[stream_id] = frozenset()
            case TeamMembersChanged(user_ids=user_ids):
                self.teams[stream_id] = frozenset(user_ids)
            case AdminRemoved():
                self.removals += 1
            case _:
                self._apply_to_one(stream_id, event)

    def _apply_to_one(self, stream_id: UUID, event: Any) -> None:
        match event:
            case ApiKeyIssued(name=name, roles=roles, user_id=user_id, digest=digest, expires_at=expires_at):
                self.keys[stream_id] = Key(name, roles, user_id, digest, expires_at)
            case ApiKeyRevoked():
                self.keys[stream_id] = structs.replace(self.keys[stream_id], digest="", revoked=True)
            case TenantSuspended() | TenantRestored():
                self.suspended = isinstance(event, TenantSuspended)
            case SettingsChanged():
                self.settings = structs.replace(self.settings, **event.changes())
            case _ if isinstance(event, custom_field.EVENTS):
                self._apply_to_custom(stream_id, event)
            case _:
                self.members[stream_id] = _changed(self.members[stream_id], event)

    def _apply_to_custom(self, stream_id: UUID, event: Any) -> None:
        found = custom_field.evolve(self.custom_ids.get(stream_id), event, stream_id=stream_id, at=_SOME_TIME)
        self.custom_ids[stream_id] = found
        self.custom.setdefault(found.kind, {})[found.key] = found


def _redefined(role: Defined, event: RoleChanged) -> Defined:
    if not isinstance(event.permissions, UnsetType):
        role = structs.replace(role, grants=grants(*event.permissions))
    if not isinstance(event.field_rules, UnsetType):
        role = structs.replace(role, fields=ruled(event.field_rules))
    return role


def _changed(member: Member, event: Any) -> Member:
    match event:
        case UserRolesChanged(roles=roles):
            return structs.replace(member, roles=roles)
        case UserSuspended():
            return structs.replace(member, suspended=True, epoch=member.epoch + 1)
        case UserRestored():
            return structs.replace(member, suspended=False)
        case Joined():
            return structs.replace(member, joined=True)
        case UserSignedOut():
            return structs.replace(member, epoch=member.epoch + 1)
        case _:
            raise TypeError(f"{type(event).__name__} says nothing about access")


def fold(access: Access, facts: Iterable[Fact]) -> Access:
    """Apply facts in order of position; those that are included already change nothing."""
    changing, position = None, access.position
    for fact in facts:
        if fact.position > position:
            changing = changing or _Changing(access)
            changing.apply(fact.stream_id, FACTS[fact.topic].decode(fact.data))
            position = fact.position
    if changing is None:
        return access
    return Access(
        *(position, changing.removals, changing.members, changing.defined, changing.teams, changing.keys),
        suspended=changing.suspended,
        custom=changing.custom,
        settings=changing.settings,
    )
