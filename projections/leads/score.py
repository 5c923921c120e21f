"""Scores of leads, kept up to date as events arrive: see lead_score.sql.

Mirrors the rows of leads, contacts, companies, interactions and merges. What an event may have changed is reckoned
wholly anew, a batch's leads at once; a tenant without rules costs one look.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from msgspec import UNSET

from domain import company as companies
from domain import contact as people
from domain import interaction as interactions
from domain import lead as leads
from domain.company import CompanyChanged, CompanyDeleted, CompanyRestored
from domain.contact import ContactMerged, ContactUnmerged
from domain.event import Event, Recorded, topics
from domain.interaction import InteractionLogged
from domain.scoring import InteractionCondition, ScoringRulesSet
from projections.contacts import contact
from projections.contacts import family as contact_family
from projections.contacts import past as contact_past
from projections.interactions import interaction
from projections.leads import lead, scoring_rules
from projections.leads.scoring import TREE, asks_companies, asks_people
from projections.leads.scoring_pass import FIRST, LEADS, PORTION, Pass, begin, go_on, load, refresh
from projections.placing import placed
from projections.ports import Connection
from projections.projection import Projection
from projections.timeline import timeline

# Whatever an interaction was ever about: what it has left has another score too.
_EVER_ABOUT = "SELECT DISTINCT record_id FROM read.timeline_v1 WHERE tenant_id = %s AND stream_id = ANY(%s)"
_OF_CONTACTS = f"""
WITH RECURSIVE {TREE}
SELECT DISTINCT l.id FROM tree t
  JOIN read.lead_v1 l ON l.tenant_id = %(tenant)s AND l.contact_id = t.member AND l.deleted_at IS NULL
"""
_OF_COMPANIES = """
SELECT l.id, NULL FROM read.lead_v1 l
 WHERE l.tenant_id = %(tenant)s AND l.company_id = ANY(%(companies)s) AND l.deleted_at IS NULL
 UNION ALL
SELECT NULL, c.id FROM read.contact_v1 c
 WHERE c.tenant_id = %(tenant)s AND c.company_id = ANY(%(companies)s) AND c.deleted_at IS NULL
"""
# Where nothing decays, another day makes no other score.
_ANOTHER_DAY = """
UPDATE scoring_pass_v1 p SET day = %s
 WHERE p.tenant_id = %s AND NOT EXISTS (SELECT FROM lead_score_v1 s WHERE s.tenant_id = p.tenant_id AND s.decays)
RETURNING 1
"""
_COPY = """
INSERT INTO scoring_pass_v1
SELECT * FROM read.scoring_pass_v1 WHERE tenant_id = %s
 UNION ALL
(SELECT r.tenant_id, r.id, r.version, (r.set_at AT TIME ZONE 'UTC')::date, NULL, NULL, NULL
   FROM read.scoring_rules_v1 r
  WHERE r.tenant_id = %s AND NOT EXISTS (SELECT FROM read.scoring_pass_v1 p WHERE p.tenant_id = r.tenant_id)
  ORDER BY r.version DESC LIMIT 1)
"""


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    at = await load(connection, tenant_id)
    rules_set = [item for item in events if isinstance(item.event, ScoringRulesSet)]
    if rules_set:
        at = await _take_up(connection, tenant_id, at, rules_set[-1])
    if at is None:
        return
    at = await _on_the_day(connection, tenant_id, at, events[-1])
    await refresh(connection, tenant_id, at, await _affected(connection, tenant_id, at, events))
    if rules_set:
        # With few leads that is all of them: who set the rules can read their scores at once.
        await go_on(connection, tenant_id)


async def _take_up(connection: Connection, tenant_id: UUID, at: Pass | None, item: Recorded[Event]) -> Pass | None:
    """Start to go over to new rules; while a pass is under way they have to wait for its end."""
    day = item.recorded_at.date()
    if at is None or (at.next_rules is None and item.version > at.rules):
        await begin(connection, tenant_id, at, rules=item.version, day=max(day, at.day) if at else day)
        return await load(connection, tenant_id)
    return at


async def _on_the_day(connection: Connection, tenant_id: UUID, at: Pass, item: Recorded[Event]) -> Pass:
    day = item.recorded_at.date()
    if at.next_rules is None and day > at.day:
        moved = await (await connection.execute(_ANOTHER_DAY, (day, tenant_id))).fetchone()
        return (await load(connection, tenant_id) or at) if moved else at
    return at


async def _affected(connection: Connection, tenant_id: UUID, at: Pass, events: Sequence[Recorded[Event]]) -> set[UUID]:
    """The leads whose scores may be others after some events."""
    types = {rule.when.type for rule in at.any_rules if isinstance(rule.when, InteractionCondition)}
    of_contacts = asks_people(at.any_rules)
    ids, contacts = await _of_companies(connection, tenant_id, at, events)
    changed: list[UUID] = []
    for item in events:
        match item.event:
            case InteractionLogged(type=kind, contact_id=contact_id, lead_id=lead_id):
                if kind in types:
                    ids.add(lead_id)
                    contacts.add(contact_id)
            case ContactMerged(into=into) | ContactUnmerged(into=into):
                contacts |= {item.stream_id, into} if types or of_contacts else set()
            case event if event.TOPIC.startswith("contact."):
                contacts |= {item.stream_id} if of_contacts else set()
            case event if event.TOPIC.startswith("interaction."):
                changed += [item.stream_id] if types else []
            case event if event.TOPIC.startswith("lead."):
                ids.add(item.stream_id)
    if changed:
        about = await (await connection.execute(_EVER_ABOUT, (tenant_id, changed))).fetchall()
        ids |= {record_id for (record_id,) in about}
        contacts |= {record_id for (record_id,) in about}
    found = {lead_id for lead_id in ids if lead_id}
    if some := [contact_id for contact_id in contacts if contact_id]:
        values = {"tenant": tenant_id, "contacts": some}
        rows = await (await connection.execute(*placed(_OF_CONTACTS, values))).fetchall()
        found |= {lead_id for (lead_id,) in rows}
    return found


async def _of_companies(
    connection: Connection, tenant_id: UUID, at: Pass, events: Sequence[Recorded[Event]]
) -> tuple[set[UUID | None], set[UUID | None]]:
    """The leads and the contacts of companies that something happened to which rules look at."""
    changed = [item.stream_id for item in events if _is_about_scores(item.event)]
    if not changed or not asks_companies(at.any_rules):
        return set(), set()
    ours = placed(_OF_COMPANIES, {"tenant": tenant_id, "companies": changed})
    rows = await (await connection.execute(*ours)).fetchall()
    return {lead_id for lead_id, _ in rows}, {contact_id for _, contact_id in rows}


def _is_about_scores(event: Event) -> bool:
    """Whether it happened to a company, and rules may look at it; what is new is nobody's yet."""
    if isinstance(event, CompanyChanged):
        return event.industry is not UNSET or event.size is not UNSET
    return isinstance(event, CompanyDeleted | CompanyRestored)


async def _refill(connection: Connection, tenant_id: UUID, after: UUID) -> UUID | None:
    if after == FIRST:
        await connection.execute(_COPY, (tenant_id, tenant_id))
    at = await load(connection, tenant_id)
    if at is None:
        return None
    rows = await (await connection.execute(LEADS, (tenant_id, after, PORTION))).fetchall()
    ids: list[UUID] = [lead_id for (lead_id,) in rows]
    await refresh(connection, tenant_id, at, ids)
    return ids[-1] if ids else None


PROJECTION = Projection(
    name="lead_score",
    version=1,
    topics=topics([*leads.EVENTS, *interactions.EVENTS, *people.EVENTS, *companies.EVENTS, ScoringRulesSet]),
    tables=("lead_score_v1", "scoring_pass_v1"),
    ddl=Path(__file__).with_suffix(".sql").read_text(),
    apply=_apply,
    refill=_refill,
    follows=tuple(
        each.PROJECTION.checkpoint
        for each in (lead, interaction, timeline, contact, contact_family, contact_past, scoring_rules)
    ),
    stream_column=None,
)
