"""N-C1, B3: what is personal in events is declared, all of it, and nothing that people are counted or found by."""

from typing import Any

import msgspec
import pytest
from msgspec import structs

import domain.registry  # noqa: F401  fills the table of topics
from domain.contact import Name
from domain.event import TOPICS, Metadata
from domain.personal import blanks

CONTACT = {"name", "emails", "phones", "title", "tags", "external_ids", "custom"}

INTERACTION = {
    *("subject_id", "type", "channel", "direction", "occurred_at", "contact_id", "company_id", "lead_id", "author_id"),
    *("outcome", "duration_seconds", "due_at", "revision", "conversation_id"),
}
WORDS = {"participants", "attachments", "subject", "body", "next_action", "thread_id"}

PERSONAL = {
    "admin.removed.v1": set(),
    "api_key.issued.v1": set(),
    "api_key.revoked.v1": set(),
    "company.changed.v1": set(),
    "company.deleted.v1": set(),
    "company.registered.v1": set(),
    "company.restored.v1": set(),
    "contact.absorbed.v1": CONTACT | {"former_ids"},
    "contact.changed.v1": CONTACT,
    "contact.deleted.v1": set(),
    "contact.merged.v1": set(),
    "contact.registered.v1": CONTACT,
    "contact.restored.v1": set(),
    "interaction.changed.v1": WORDS,
    "interaction.logged.v1": WORDS | {"external_id"},
    "note.added.v1": {"html"},
    "note.edited.v1": {"html"},
    "note.removed.v1": set(),
    "duplicates.dismissed.v1": set(),
    "matching_rules.set.v1": set(),
    "settings.changed.v1": set(),
    "lead.flagged_inactive.v1": set(),
    "lead.flag_cleared.v1": set(),
    "inbox.read.v1": set(),
    "notification.read.v1": set(),
    "notification_preferences.set.v1": set(),
    "import.advanced.v1": set(),
    "import.cancelled.v1": set(),
    "import.completed.v1": set(),
    "import.failed.v1": set(),
    "import.mapped.v1": {"mapping"},
    "import.received.v1": {"file_name", "columns", "mapping", "dates"},
    "import.started.v1": set(),
    "import.undo_advanced.v1": set(),
    "import.undo_started.v1": set(),
    "import.undone.v1": set(),
    "relationship.ended.v1": set(),
    "relationship.set.v1": {"kind", "reverse_kind"},
    "custom_field.change_begun.v1": set(),
    "custom_field.change_dropped.v1": set(),
    "custom_field.changed.v1": set(),
    "custom_field.defined.v1": set(),
    "custom_field.deleted.v1": set(),
    "contact.separated.v1": CONTACT | {"former_ids"},
    "contact.unmerged.v1": set(),
    "customer.lead_added.v1": set(),
    "customer.lead_removed.v1": set(),
    "customer.registered.v1": set(),
    "lead.assigned.v1": set(),
    "lead.changed.v1": {"title", "tags", "custom", "external_ids"},
    "lead.conversion_undone.v1": {"reason"},
    "lead.converted.v1": {"reason"},
    "lead.deleted.v1": set(),
    "lead.lost.v1": {"reason"},
    "lead.nurtured.v1": {"reason"},
    "lead.qualified.v1": {"reason"},
    "lead.registered.v1": {"title", "tags", "custom", "external_ids"},
    "lead.reopened.v1": {"reason"},
    "lead_score.contributed.v1": {"explanation"},
    "scoring.rules_set.v1": set(),
    "role.changed.v1": set(),
    "role.defined.v1": set(),
    "role.deleted.v1": set(),
    "security.cross_tenant_attempted.v1": set(),
    "security.cross_tenant_attempts_counted.v1": set(),
    "security.named_ids_unseen.v1": set(),
    "security.refresh_reused.v1": set(),
    "security.second_factor_failed.v1": set(),
    "security.sign_in_failed.v1": set(),
    "session.ended.v1": set(),
    "session.started.v1": set(),
    "team.founded.v1": set(),
    "team.members_changed.v1": set(),
    "tenant.registered.v1": set(),
    "tenant.restored.v1": set(),
    "tenant.suspended.v1": set(),
    "user.changed.v1": {"name", "title", "phone", "timezone", "locale"},
    "user.invited.v1": {"email"},
    "user.joined.v1": {"name", "password_hash"},
    "user.password_changed.v1": {"password_hash"},
    "user.password_rehashed.v1": {"password_hash"},
    "user.recovery_code_used.v1": set(),
    "user.registered.v1": {"name", "email", "password_hash"},
    "user.reset_requested.v1": set(),
    "user.restored.v1": set(),
    "user.roles_changed.v1": set(),
    "user.signed_out.v1": set(),
    "user.suspended.v1": set(),
    "user.totp_confirmed.v1": set(),
    "user.totp_disabled.v1": set(),
    "user.totp_enrolled.v1": {"secret", "recovery_codes"},
}
"""Every event's personal members. A new event or member is thought about here before it is stored."""

COMPANY = {"name", "domain", "industry", "size", "parent_id", "custom", "external_ids"}

OPEN = {
    "admin.removed.v1": {"user_id"},
    "api_key.issued.v1": {"name", "roles", "user_id", "prefix", "digest", "expires_at"},
    "api_key.revoked.v1": set(),
    "company.changed.v1": COMPANY,
    "company.deleted.v1": set(),
    "company.registered.v1": COMPANY,
    "company.restored.v1": set(),
    "contact.absorbed.v1": {"subject_id", "choose", "company_id", "owner_id", "lifecycle"},
    "contact.changed.v1": {"company_id", "owner_id", "lifecycle"},
    "contact.deleted.v1": set(),
    "contact.merged.v1": {"into"},
    "contact.registered.v1": {"company_id", "owner_id", "lifecycle"},
    "contact.restored.v1": set(),
    "interaction.changed.v1": INTERACTION,
    "interaction.logged.v1": INTERACTION,
    "note.added.v1": {"subject_id", "contact_id", "author_id", "mentions"},
    "note.edited.v1": {"subject_id", "author_id", "mentions", "newly_mentioned"},
    "note.removed.v1": set(),
    "duplicates.dismissed.v1": {"contact_ids"},
    "matching_rules.set.v1": {"keys", "suggest_at", "merge_at", "auto_merge"},
    "lead.flagged_inactive.v1": {"since", "owner_id"},
    "lead.flag_cleared.v1": {"active_at"},
    "inbox.read.v1": {"user_id", "up_to"},
    "notification.read.v1": {"user_id"},
    "notification_preferences.set.v1": {"user_id", "kinds", "digest_hour"},
    "settings.changed.v1": {"timezone", "currency", "inactivity_days", "digest_hour"},
    "import.advanced.v1": {"portion", "counts"},
    "import.cancelled.v1": set(),
    "import.completed.v1": set(),
    "import.failed.v1": {"code"},
    "import.mapped.v1": {"ready"},
    "import.received.v1": {"policy", "encoding", "delimiter", "rows", "portions", "ready", "country", "owner_id"},
    "import.started.v1": set(),
    "import.undo_advanced.v1": {"position", "counts", "companies"},
    "import.undo_started.v1": set(),
    "import.undone.v1": set(),
    "relationship.ended.v1": set(),
    "relationship.set.v1": {"contact_id", "other_id"},
    "custom_field.change_begun.v1": {"type", "unique", "choices"},
    "custom_field.change_dropped.v1": set(),
    "custom_field.changed.v1": {"label", "type", "required", "unique", "choices"},
    "custom_field.defined.v1": {"kind", "key", "label", "type", "required", "unique", "choices"},
    "custom_field.deleted.v1": set(),
    "contact.separated.v1": {"from_id", "company_id", "owner_id", "lifecycle"},
    "contact.unmerged.v1": {"into"},
    "customer.lead_added.v1": {"lead_id"},
    "customer.lead_removed.v1": {"lead_id"},
    "customer.registered.v1": {"lead_id", "company_id", "contact_id"},
    "lead.assigned.v1": {"owner_id"},
    "lead.changed.v1": {"contact_id", "company_id", "source", "value"},
    "lead.conversion_undone.v1": {"customer_id"},
    "lead.converted.v1": {"customer_id", "company_id"},
    "lead.deleted.v1": set(),
    "lead.lost.v1": set(),
    "lead.nurtured.v1": set(),
    "lead.qualified.v1": set(),
    "lead.registered.v1": {"contact_id", "company_id", "owner_id", "source", "value"},
    "lead.reopened.v1": set(),
    "lead_score.contributed.v1": {"subject_id", "name", "value", "confidence"},
    "scoring.rules_set.v1": {"rules"},
    "role.changed.v1": {"name", "permissions", "field_rules"},
    "role.defined.v1": {"key", "name", "permissions", "field_rules"},
    "role.deleted.v1": set(),
    "security.cross_tenant_attempted.v1": {"actor_tenant", "target_kind", "target_id", "owner_tenant", "operation"},
    "security.cross_tenant_attempts_counted.v1": {"actor_tenant", "count", "since"},
    "security.named_ids_unseen.v1": {"actor_tenant", "count", "since"},
    "security.refresh_reused.v1": {"user_id", "session_id"},
    "security.second_factor_failed.v1": {"user_id"},
    "security.sign_in_failed.v1": {"user_id"},
    "session.ended.v1": {"user_id", "reason"},
    "session.started.v1": {"user_id"},
    "team.founded.v1": {"name"},
    "team.members_changed.v1": {"user_ids"},
    "tenant.registered.v1": {"name"},
    "tenant.restored.v1": set(),
    "tenant.suspended.v1": set(),
    "user.changed.v1": set(),
    "user.invited.v1": {"roles", "link"},
    "user.joined.v1": set(),
    "user.password_changed.v1": set(),
    "user.password_rehashed.v1": set(),
    "user.recovery_code_used.v1": {"digest"},
    "user.registered.v1": {"roles"},
    "user.reset_requested.v1": {"link"},
    "user.restored.v1": set(),
    "user.roles_changed.v1": {"roles"},
    "user.signed_out.v1": {"reason"},
    "user.suspended.v1": set(),
    "user.totp_confirmed.v1": set(),
    "user.totp_disabled.v1": set(),
    "user.totp_enrolled.v1": set(),
}
"""The members that are stored as they are, for ever."""

REQUIRED: dict[str, Any] = {
    "roles": [],
    "link": {"digest": "", "expires_at": "2026-01-05T09:30:00Z"},
    "contact_id": "01890000-0000-7000-8000-0000000000c1",
    "other_id": "01890000-0000-7000-8000-0000000000c2",
    "policy": "skip",
    "encoding": "utf-8",
    "delimiter": ",",
    "rows": 1,
    "portions": 1,
    "ready": True,
    "from_id": "01890000-0000-7000-8000-0000000000a2",
    "subject_id": "01890000-0000-7000-8000-0000000000a2",
    "customer_id": "01890000-0000-7000-8000-0000000000b1",
}
"""Values of members that are not personal and must be there."""

REQUIRED_OF: dict[str, dict[str, Any]] = {
    "lead_score.contributed.v1": {"name": "model", "value": 1, "confidence": 1},
}
"""Such whose names mean something else elsewhere."""

OURS = {topic: kind for topic, kind in TOPICS.items() if kind.__module__.startswith("domain.")}


def test_every_members_mark_is_a_decision() -> None:
    assert {topic: set(kind.PERSONAL) for topic, kind in OURS.items()} == PERSONAL
    members = {topic: {field.encode_name for field in structs.fields(kind)} for topic, kind in OURS.items()}
    assert {topic: names - PERSONAL[topic] for topic, names in members.items()} == OPEN


def test_an_address_is_the_only_personal_thing_in_metadata() -> None:
    assert dict(blanks(Metadata)) == {"address": None}


@pytest.mark.parametrize("topic", sorted(topic for topic, members in PERSONAL.items() if members))
def test_an_erased_event_is_still_an_event_of_its_type(topic: str) -> None:
    kind = OURS[topic]
    required = {name: REQUIRED[name] for name in OPEN[topic] & REQUIRED.keys()}
    event = msgspec.convert(dict(kind.PERSONAL) | required | REQUIRED_OF.get(topic, {}), kind)
    shown = {name: getattr(event, name) for name in kind.PERSONAL}
    assert all(value in {None, "", (), Name()} or value == {} for value in map(_hashable, shown.values()))


def _hashable(value: Any) -> Any:
    return () if value == {} else value
