"""Every use case of tenants, users, roles, teams and keys: see registry."""

from commands.handle import UseCase
from commands.identity import accounts as identity
from commands.identity import api_keys, invites, members, roles, second_factor, teams, tenant_settings, users
from domain.api_key import ApiKey
from domain.api_key import evolve as evolve_api_key
from domain.custom_field import RecordKind
from domain.role import Role
from domain.role import evolve as evolve_role
from domain.team import Team
from domain.team import evolve as evolve_team
from domain.tenant import Tenant
from domain.tenant import evolve as evolve_tenant
from domain.tenant_settings import TenantSettings
from domain.tenant_settings import evolve as evolve_settings
from domain.user import User
from domain.user import evolve as evolve_user

CONTACT, COMPANY, LEAD = RecordKind.CONTACT, RecordKind.COMPANY, RecordKind.LEAD

REGISTER_TENANT: UseCase[identity.NewTenant, Tenant] = UseCase(
    kind="tenant",
    evolve=evolve_tenant,
    decide=identity.register,
    creates=True,
    status=201,
    claim_taken=identity.email_taken,
)
CHANGE_SETTINGS: UseCase[tenant_settings.ChangeSettings, TenantSettings] = UseCase(
    kind="settings", evolve=evolve_settings, decide=tenant_settings.change, starts=True
)
SIGN_OUT: UseCase[users.SignOutUser, User] = UseCase(kind="user", evolve=evolve_user, decide=users.sign_out, status=204)
SET_PASSWORD: UseCase[users.SetPassword, User] = UseCase(kind="user", evolve=evolve_user, decide=users.set_password)
REHASH_PASSWORD: UseCase[users.RehashPassword, User] = UseCase(
    kind="user", evolve=evolve_user, decide=users.rehash_password
)
ENROL_TOTP: UseCase[second_factor.EnrolTotp, User] = UseCase(
    kind="user", evolve=evolve_user, decide=second_factor.enrol
)
CONFIRM_TOTP: UseCase[second_factor.ConfirmTotp, User] = UseCase(
    kind="user", evolve=evolve_user, decide=second_factor.confirm, status=204
)
DISABLE_TOTP: UseCase[second_factor.DisableTotp, User] = UseCase(
    kind="user", evolve=evolve_user, decide=second_factor.disable, status=204
)
SPEND_RECOVERY_CODE: UseCase[second_factor.SpendRecoveryCode, User] = UseCase(
    kind="user", evolve=evolve_user, decide=second_factor.spend
)
ADD_USER: UseCase[users.NewUser, User] = UseCase(
    kind="user",
    evolve=evolve_user,
    decide=users.add,
    creates=True,
    status=201,
    claim_taken=identity.email_taken,
)
CHANGE_USER: UseCase[users.ChangeUser, User] = UseCase(kind="user", evolve=evolve_user, decide=users.change)
GIVE_ROLES: UseCase[members.RolesOf, User] = UseCase(kind="user", evolve=evolve_user, decide=members.give_roles)
SUSPEND_USER: UseCase[members.Suspend, User] = UseCase(kind="user", evolve=evolve_user, decide=members.suspend)
RESTORE_USER: UseCase[members.Restore, User] = UseCase(kind="user", evolve=evolve_user, decide=members.restore)
INVITE_USER: UseCase[invites.Invite, User] = UseCase(
    kind="user", evolve=evolve_user, decide=invites.invite, creates=True, status=201
)
JOIN: UseCase[invites.Join, User] = UseCase(
    kind="user", evolve=evolve_user, decide=invites.join, claim_taken=identity.email_taken
)
REQUEST_RESET: UseCase[invites.RequestReset, User] = UseCase(
    kind="user", evolve=evolve_user, decide=invites.request_reset
)
TAKE_RESET: UseCase[invites.TakeReset, User] = UseCase(kind="user", evolve=evolve_user, decide=invites.take_reset)
DEFINE_ROLE: UseCase[roles.ByHolder, Role] = UseCase(
    kind="role", evolve=evolve_role, decide=roles.define, creates=True, status=201, claim_taken=roles.key_taken
)
CHANGE_ROLE: UseCase[roles.ByHolder, Role] = UseCase(kind="role", evolve=evolve_role, decide=roles.change)
DELETE_ROLE: UseCase[roles.ByHolder, Role] = UseCase(kind="role", evolve=evolve_role, decide=roles.delete, status=204)
FOUND_TEAM: UseCase[teams.FoundTeam, Team] = UseCase(
    kind="team", evolve=evolve_team, decide=teams.found, creates=True, status=201
)
CHANGE_MEMBERS: UseCase[teams.ChangeMembers, Team] = UseCase(
    kind="team", evolve=evolve_team, decide=teams.change_members, lookups=teams.lookups
)
ISSUE_KEY: UseCase[api_keys.NewKey, ApiKey] = UseCase(
    kind="api_key", evolve=evolve_api_key, decide=api_keys.issue, creates=True, status=201
)
REVOKE_KEY: UseCase[api_keys.RevokeKey, ApiKey] = UseCase(
    kind="api_key", evolve=evolve_api_key, decide=api_keys.revoke, status=204
)
