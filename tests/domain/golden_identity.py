"""Examples of the events of users, sessions and access, by the names of their lines."""

from datetime import UTC, datetime
from uuid import UUID

from domain.api_key import ApiKeyIssued, ApiKeyRevoked
from domain.event import Event
from domain.field_rules import FieldAccess, FieldRule
from domain.role import AdminRemoved, RoleChanged, RoleDefined, RoleDeleted
from domain.second_factor import RecoveryCodeUsed, TotpConfirmed, TotpDisabled, TotpEnrolled
from domain.security import (
    CrossTenantAttempted,
    CrossTenantAttemptsCounted,
    NamedIdsUnseen,
    RefreshReused,
    SecondFactorFailed,
    SignInFailed,
)
from domain.session import Ending, SessionEnded, SessionStarted
from domain.team import TeamFounded, TeamMembersChanged
from domain.tenant import TenantRestored, TenantSuspended
from domain.user import (
    Link,
    SignOut,
    UserChanged,
    UserInvited,
    UserJoined,
    UserPasswordChanged,
    UserPasswordRehashed,
    UserResetRequested,
    UserRestored,
    UserRolesChanged,
    UserSignedOut,
    UserSuspended,
)

_USER = UUID("01890000-0000-7000-8000-0000000000e1")
_SESSION = UUID("01890000-0000-7000-8000-0000000000f1")
_TENANT = UUID("01890000-0000-7000-8000-0000000000a1")
_OTHER = UUID("01890000-0000-7000-8000-0000000000a2")

_LINK = Link("0" * 64, datetime(2026, 1, 12, 9, 30, tzinfo=UTC))

IDENTITY: dict[str, Event] = {
    "a session begun": SessionStarted(user_id=_USER),
    "a session ended": SessionEnded(user_id=_USER, reason=Ending.REVOKED),
    "a sign-in that failed": SignInFailed(user_id=_USER),
    "a refresh token used twice": RefreshReused(user_id=_USER, session_id=_SESSION),
    "another password": UserPasswordChanged(password_hash="$2b$12$other"),
    "the same password under another hash": UserPasswordRehashed(password_hash="$2b$13$other"),
    "a profile changed": UserChanged(
        name="Ada", title=None, phone="+442079460018", timezone="Europe/London", locale="en"
    ),
    "other roles": UserRolesChanged(roles=("sales", "auditors")),
    "a user suspended": UserSuspended(),
    "a user restored": UserRestored(),
    "an admin less": AdminRemoved(user_id=_USER),
    "a role": RoleDefined(key="auditors", name="Auditors", permissions=("audit.read", "contacts.read:all")),
    "a role changed": RoleChanged(name="Revision", permissions=()),
    "a role deleted": RoleDeleted(),
    "somebody invited": UserInvited(email="ada@engines.example", roles=("sales",), link=_LINK),
    "somebody joined": UserJoined(name="Ada", password_hash="$2b$12$hash"),
    "a mail about a password": UserResetRequested(link=_LINK),
    "a team": TeamFounded(name="North"),
    "a team of two": TeamMembersChanged(user_ids=(_USER, _SESSION)),
    "a user signed out everywhere": UserSignedOut(reason=SignOut.ASKED),
    "a key for a program": ApiKeyIssued(
        name="Nightly import",
        roles=("sales", "auditors"),
        user_id=_USER,
        prefix="rk_AZsfTpqLfA2O",
        digest="0" * 64,
        expires_at=_LINK.expires_at,
    ),
    "a key revoked": ApiKeyRevoked(),
    "a role with field rules": RoleDefined(
        key="interns",
        name="Interns",
        permissions=("contacts.read:own",),
        field_rules=(FieldRule("contacts", "emails", FieldAccess.HIDDEN),),
    ),
    "other field rules": RoleChanged(field_rules=(FieldRule("contacts", "custom.salary", FieldAccess.READ),)),
    "another tenant's record named": CrossTenantAttempted(
        actor_tenant=_TENANT,
        target_kind="contact",
        target_id=_SESSION,
        owner_tenant=_OTHER,
        operation="GET /v1/contacts/{contact_id}",
    ),
    "more of that than is recorded one by one": CrossTenantAttemptsCounted(
        actor_tenant=_TENANT, count=41, since=_LINK.expires_at
    ),
    "a tenant suspended": TenantSuspended(),
    "a tenant restored": TenantRestored(),
    "more ids named than anybody looks at": NamedIdsUnseen(actor_tenant=_TENANT, count=900, since=_LINK.expires_at),
    "a second factor enrolled": TotpEnrolled(secret="JBSWY3DPEHPK3PXP", recovery_codes=("0" * 64,)),
    "a second factor confirmed": TotpConfirmed(),
    "a second factor given up": TotpDisabled(),
    "a recovery code used": RecoveryCodeUsed(digest="0" * 64),
    "a second factor that was wrong": SecondFactorFailed(user_id=_USER),
}
