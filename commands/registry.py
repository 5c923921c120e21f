"""Every use case of records. Those of identity, scoring and notifications are in registry_identity and so on."""

from commands.companies import company
from commands.companies.input import ChangeCompany, DeleteCompany, Placed, RegisterCompany, RestoreCompany
from commands.contacts import contact, matching, relationship
from commands.contacts import merge as contact_merge
from commands.contacts import tags as contact_tags
from commands.contacts.input import ChangeContact, ChangeTags, DeleteContact, RegisterContact, RestoreContact
from commands.custom_fields import definitions as custom_fields
from commands.handle import UseCase
from commands.imports import job as imports
from commands.interactions import complete as interaction_complete
from commands.interactions import interaction, note
from commands.interactions.input import ChangeInteraction, CompleteInteraction, LogInteraction
from commands.leads import lead
from commands.leads import moves as lead_moves
from commands.leads.input import AssignLead, ChangeLead, DeleteLead, MoveLead, RegisterLead
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

CONTACT, COMPANY, LEAD = RecordKind.CONTACT, RecordKind.COMPANY, RecordKind.LEAD

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
    kind="relationship", evolve=evolve_relationship, decide=relationship.set_kinds, starts=True, revives=True, made=201
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
    kind="custom_field", evolve=evolve_custom_field, decide=custom_fields.put, starts=True, revives=True, made=201
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
