"""Every use case there is. A new aggregate adds its lines here."""

from commands import (
    api_keys,
    company,
    contact,
    contact_merge,
    contact_tags,
    custom_fields,
    identity,
    imports,
    interaction,
    interaction_complete,
    invites,
    lead,
    lead_moves,
    matching,
    members,
    note,
    relationship,
    roles,
    second_factor,
    teams,
    tenant_settings,
    users,
)
from commands.company_input import ChangeCompany, DeleteCompany, Placed, RegisterCompany, RestoreCompany
from commands.contact_input import ChangeContact, ChangeTags, DeleteContact, RegisterContact, RestoreContact
from commands.handle import UseCase
from commands.interaction_input import ChangeInteraction, CompleteInteraction, LogInteraction
from commands.lead_input import AssignLead, ChangeLead, DeleteLead, MoveLead, RegisterLead
from domain.api_key import ApiKey
from domain.api_key import evolve as evolve_api_key
from domain.company import Company
from domain.company import evolve as evolve_company
from domain.contact import Contact
from domain.contact import evolve as evolve_contact
from domain.custom_field import CustomField, RecordKind
from domain.custom_field import evolve as evolve_custom_field
from domain.imports import Import
from domain.imports import evolve as evolve_import
from domain.interaction import Interaction
from domain.interaction import evolve as evolve_interaction
from domain.lead import Lead
from domain.lead import evolve as evolve_lead
from domain.matching import Dismissal, MatchingRules, evolve_dismissal, evolve_rules
from domain.note import Note
from domain.note import evolve as evolve_note
from domain.relationship import Relationship
from domain.relationship import evolve as evolve_relationship
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
REGISTER_CONTACT: UseCase[RegisterContact, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact.register,
    custom=CONTACT,
    creates=True,
    status=201,
    lookups=contact.lookups,
    claim_taken=contact.claim_taken,
)
CHANGE_CONTACT: UseCase[ChangeContact, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact.change,
    custom=CONTACT,
    lookups=contact.lookups,
    claim_taken=contact.claim_taken,
)
SET_MATCHING_RULES: UseCase[matching.PutRules, MatchingRules] = UseCase(
    kind="matching_rules", evolve=evolve_rules, decide=matching.set_rules, starts=True, custom=CONTACT
)
DISMISS_DUPLICATES: UseCase[matching.DismissPair, Dismissal] = UseCase(
    kind="duplicates", evolve=evolve_dismissal, decide=matching.dismiss, starts=True
)
DELETE_CONTACT: UseCase[DeleteContact, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact.delete,
    custom=CONTACT,
    status=204,
)
RESTORE_CONTACT: UseCase[RestoreContact, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact.restore,
    custom=CONTACT,
    revives=True,
    claim_taken=contact.claim_taken,
)
MERGE_CONTACT: UseCase[contact_merge.Merge, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact_merge.merge,
    custom="contact",
    claim_taken=contact_merge.claim_taken,
)
UNMERGE_CONTACT: UseCase[contact_merge.Unmerge, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact_merge.unmerge,
    custom="contact",
    claim_taken=contact_merge.claim_taken,
)
CHANGE_TAGS: UseCase[ChangeTags, Contact] = UseCase(kind="contact", evolve=evolve_contact, decide=contact_tags.change)
REGISTER_COMPANY: UseCase[Placed[RegisterCompany], Company] = UseCase(
    kind="company",
    evolve=evolve_company,
    decide=company.register,
    custom=COMPANY,
    creates=True,
    status=201,
    claim_taken=company.claim_taken,
)
CHANGE_COMPANY: UseCase[Placed[ChangeCompany], Company] = UseCase(
    kind="company", evolve=evolve_company, decide=company.change, custom=COMPANY, claim_taken=company.claim_taken
)
DELETE_COMPANY: UseCase[DeleteCompany, Company] = UseCase(
    kind="company", evolve=evolve_company, decide=company.delete, custom=COMPANY, status=204
)
RESTORE_COMPANY: UseCase[RestoreCompany, Company] = UseCase(
    kind="company",
    evolve=evolve_company,
    decide=company.restore,
    custom=COMPANY,
    revives=True,
    claim_taken=company.claim_taken,
)
SET_RELATIONSHIP: UseCase[relationship.SetRelationship, Relationship] = UseCase(
    kind="relationship", evolve=evolve_relationship, decide=relationship.set_kinds, starts=True, revives=True
)
END_RELATIONSHIP: UseCase[relationship.EndRelationship, Relationship] = UseCase(
    kind="relationship",
    evolve=evolve_relationship,
    decide=relationship.end,
    starts=True,
    revives=True,
    status=204,
)
LOG_INTERACTION: UseCase[LogInteraction, Interaction] = UseCase(
    kind="interaction",
    evolve=evolve_interaction,
    decide=interaction.log,
    creates=True,
    status=201,
    gather=interaction.company_of,
    looks_at=interaction.looks_at,
    lookups=interaction.lookups,
    claim_taken=interaction.claim_taken,
)
FIND_INTERACTION: UseCase[None, Interaction] = UseCase(
    kind="interaction", evolve=evolve_interaction, decide=interaction.find
)
CHANGE_INTERACTION: UseCase[ChangeInteraction, Interaction] = UseCase(
    kind="interaction", evolve=evolve_interaction, decide=interaction.change, lookups=interaction.lookups
)
COMPLETE_INTERACTION: UseCase[CompleteInteraction, Interaction] = UseCase(
    kind="interaction",
    evolve=evolve_interaction,
    decide=interaction_complete.complete,
    custom=CONTACT,
    gather=interaction_complete.contact_of,
    lookups=interaction_complete.lookups,
    claim_taken=interaction_complete.claim_taken,
)
PUT_CUSTOM_FIELD: UseCase[custom_fields.PutByKey, CustomField] = UseCase(
    kind="custom_field", evolve=evolve_custom_field, decide=custom_fields.put, starts=True, revives=True
)
BEGIN_CUSTOM_FIELD: UseCase[custom_fields.PutByKey, CustomField] = UseCase(
    kind="custom_field", evolve=evolve_custom_field, decide=custom_fields.begin, starts=True, revives=True
)
DROP_CUSTOM_FIELD: UseCase[custom_fields.DropChange, CustomField] = UseCase(
    kind="custom_field", evolve=evolve_custom_field, decide=custom_fields.drop, starts=True, revives=True
)
DELETE_CUSTOM_FIELD: UseCase[object, CustomField] = UseCase(
    kind="custom_field", evolve=evolve_custom_field, decide=custom_fields.delete, status=204
)
RECEIVE_IMPORT: UseCase[imports.Receive, Import] = UseCase(
    kind="import", evolve=evolve_import, decide=imports.receive, creates=True, status=202
)
MAP_IMPORT: UseCase[imports.Map, Import] = UseCase(kind="import", evolve=evolve_import, decide=imports.map_columns)
START_IMPORT: UseCase[imports.Start, Import] = UseCase(
    kind="import", evolve=evolve_import, decide=imports.start, status=202
)
CANCEL_IMPORT: UseCase[imports.Cancel, Import] = UseCase(
    kind="import", evolve=evolve_import, decide=imports.cancel, status=202
)
UNDO_IMPORT: UseCase[imports.Undo, Import] = UseCase(
    kind="import", evolve=evolve_import, decide=imports.undo, status=202
)
REGISTER_LEAD: UseCase[RegisterLead, Lead] = UseCase(
    kind="lead",
    evolve=evolve_lead,
    decide=lead.register,
    creates=True,
    status=201,
    custom=LEAD,
    lookups=lead.lookups,
    gather=lead.gathering(),
    claim_taken=lead.claim_taken,
)
CHANGE_LEAD: UseCase[ChangeLead, Lead] = UseCase(
    kind="lead",
    evolve=evolve_lead,
    decide=lead.change,
    custom=LEAD,
    lookups=lead.lookups,
    gather=lead.gathering(),
    claim_taken=lead.claim_taken,
)
ASSIGN_LEAD: UseCase[AssignLead, Lead] = UseCase(
    kind="lead", evolve=evolve_lead, decide=lead.assign, lookups=lead.lookups, gather=lead.gathering()
)
MOVE_LEAD: UseCase[MoveLead, Lead] = UseCase(
    kind="lead",
    evolve=evolve_lead,
    decide=lead_moves.move,
    lookups=lead.lookups,
    gather=lead.gathering(),
    claim_taken=lead.claim_taken,
)
ADD_NOTE: UseCase[note.AddNote, Note] = UseCase(
    kind="note", evolve=evolve_note, decide=note.add, starts=True, status=201, lookups=note.lookups
)
EDIT_NOTE: UseCase[note.EditNote, Note] = UseCase(
    kind="note", evolve=evolve_note, decide=note.edit, lookups=note.lookups
)
REMOVE_NOTE: UseCase[note.RemoveNote, Note] = UseCase(kind="note", evolve=evolve_note, decide=note.remove, status=204)
DELETE_LEAD: UseCase[DeleteLead, Lead] = UseCase(
    kind="lead", evolve=evolve_lead, decide=lead.delete, custom=LEAD, status=204, gather=lead.gathering()
)
