"""What leads are worth by some rules on a day, reckoned from the rows of leads and interactions: wholly anew each time.

So a score depends on those rows, the rules and the day alone, not on the order in which things happened.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.interaction import Direction, Type
from domain.lead_facts import CompanyFacts, ContactFacts, Facts, holding_since
from domain.scoring import FieldCondition, InteractionCondition, Rule, is_decaying, worth
from projections.contacts.family import survivors
from projections.placing import placed
from projections.ports import Connection

MOST_EACH = 200
"""Interactions that one rule counts of a lead: the newest ones. So an explanation can be read, and reckoned soon."""

# All versions of a lead where rules ask since when something is so.
_LEADS = """
SELECT coalesce(json_agg(v ORDER BY v.id, v.since), '[]')::text
  FROM (SELECT p.id, p.since, p.status, p.status_since, p.occurred_at, p.updated_at, p.source, p.value, p.owner_id,
               p.contact_id, p.company_id, p.customer_id
          FROM read.lead_v1 l
          JOIN read.lead_past_v1 p ON p.tenant_id = l.tenant_id AND p.id = l.id
         WHERE l.tenant_id = %(tenant)s AND l.id = ANY(%(ids)s) AND l.deleted_at IS NULL
           AND (%(all)s OR p.until IS NULL)) v
"""

_CONTACTS = """
SELECT coalesce(json_agg(v ORDER BY v.id, v.since), '[]')::text
  FROM (SELECT id, since, updated_at, lifecycle, owner_id, company_id, deleted_at FROM read.contact_past_v1
         WHERE tenant_id = %s AND id = ANY(%s)) v
"""

_COMPANIES = """
SELECT coalesce(json_agg(v ORDER BY v.id, v.since), '[]')::text
  FROM (SELECT id, since, updated_at, industry, size, deleted_at FROM read.company_past_v1
         WHERE tenant_id = %s AND id = ANY(%s)) v
"""

# A contact's tree: up to what it was merged into, and down to all that were merged into any of those.
TREE = """
up (id, at_id) AS (
    SELECT u.id, u.id FROM unnest(%(contacts)s::uuid[]) u (id)
     UNION
    SELECT c.id, f.into_id FROM up c
      JOIN read.contact_family_v1 f ON f.tenant_id = %(tenant)s AND f.id = c.at_id AND f.until IS NULL
), tree (id, member) AS (
    SELECT u.id, u.at_id FROM up u
     UNION
    SELECT t.id, f.id FROM tree t
      JOIN read.contact_family_v1 f ON f.tenant_id = %(tenant)s AND f.into_id = t.member AND f.until IS NULL
)
"""


def _newest(of: str) -> str:
    """For each kind that is wanted (a direction of '' is any) the newest interactions of something, by an index."""
    return f"""
        SELECT i.id, i.type, i.direction, i.at, i.position FROM read.interaction_v1 i
         WHERE i.tenant_id = %(tenant)s AND i.{of} AND i.type = w.type AND w.direction IN ('', i.direction)
         ORDER BY i.at DESC, i.id DESC LIMIT {MOST_EACH}"""


# An interaction counts once for a lead, be it with the lead or with its contact.
_INTERACTIONS = f"""
WITH RECURSIVE {TREE}, wanted AS (
    SELECT * FROM unnest(%(types)s::text[], %(directions)s::text[]) w (type, direction)
), touched AS (
    SELECT a.lead_id, i.* FROM unnest(%(leads)s::uuid[], %(contacts)s::uuid[]) a (lead_id, contact_id)
      JOIN tree t ON t.id = a.contact_id
     CROSS JOIN wanted w CROSS JOIN LATERAL ({_newest("contact_id = t.member")}) i
     UNION
    SELECT a.lead_id, i.* FROM unnest(%(ids)s::uuid[]) a (lead_id)
     CROSS JOIN wanted w CROSS JOIN LATERAL ({_newest("lead_id = a.lead_id")}) i
)
SELECT coalesce(json_agg(t ORDER BY t.lead_id, t.at DESC, t.id DESC), '[]')::text FROM touched t
"""


class Part(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Points for one thing, and the position of the event that made it; as the rule gives them, before any decay."""

    rule: UUID
    position: int
    at: datetime
    points: int
    decay_days: int | None = None

    @property
    def day(self) -> date:
        """When it was, by the calendar of UTC."""
        return self.at.astimezone(UTC).date()

    def worth(self, day: date) -> int:
        """Points on a day."""
        return worth(self.points, self.decay_days, self.day, day)


class Scored(Struct, frozen=True, kw_only=True):
    """A lead's score on a day, of what it is made, and whether another day makes another one."""

    score: int
    decays: bool
    parts: Sequence[Part]


class _Touch(Struct, frozen=True):
    """An interaction that counts for a lead."""

    lead_id: UUID
    type: Type
    direction: Direction
    at: datetime
    position: int


_facts = msgspec.json.Decoder(list[Facts])
_contact_facts = msgspec.json.Decoder(list[ContactFacts])
_company_facts = msgspec.json.Decoder(list[CompanyFacts])
_touches = msgspec.json.Decoder(list[_Touch])


def scored(parts: Sequence[Part], day: date) -> Scored:
    """What parts make together on a day."""
    decays = any(is_decaying(part.points, part.decay_days, part.day, day) for part in parts)
    return Scored(score=sum(part.worth(day) for part in parts), decays=decays, parts=parts)


async def reckoned(
    connection: Connection, tenant_id: UUID, ids: Collection[UUID], rules: Sequence[Rule], day: date
) -> dict[UUID, Scored]:
    """The scores of leads; those that are not there, or that no rule says anything of, are left out."""
    if not ids or not rules:
        return {}
    is_asked_since = any(isinstance(rule.when, FieldCondition) for rule in rules)
    values = {"tenant": tenant_id, "ids": list(ids), "all": is_asked_since}
    found = await (await connection.execute(*placed(_LEADS, values))).fetchone()
    versions = {lead_id: list(rows) for lead_id, rows in groupby(_facts.decode(found[0]), lambda row: row.id)}
    now = [rows[-1] for rows in versions.values()]
    touches = await _touched(connection, tenant_id, now, rules)
    contacts = await _contacts(connection, tenant_id, now, rules)
    companies = await _companies(connection, tenant_id, now, contacts, rules)
    made = {
        lead_id: _parts(
            rules,
            touches.get(lead_id, ()),
            lead=rows,
            contact=contacts.get(rows[-1].contact_id, ()),
            company=companies.get(lead_id, ()),
        )
        for lead_id, rows in versions.items()
    }
    return {lead_id: scored(parts, day) for lead_id, parts in made.items() if parts}


async def _touched(
    connection: Connection, tenant_id: UUID, leads: Sequence[Facts], rules: Sequence[Rule]
) -> Mapping[UUID, list[_Touch]]:
    """The interactions that rules look at, by lead, the newest first."""
    asked = (rule.when for rule in rules if isinstance(rule.when, InteractionCondition))
    kinds = sorted({(when.type.value, when.direction.value if when.direction else "") for when in asked})
    if not kinds or not leads:
        return {}
    of_contacts = [(lead.id, lead.contact_id) for lead in leads if lead.contact_id]
    values = {
        "tenant": tenant_id,
        "ids": [lead.id for lead in leads],
        "leads": [lead_id for lead_id, _ in of_contacts],
        "contacts": [contact_id for _, contact_id in of_contacts],
        "types": [kind for kind, _ in kinds],
        "directions": [direction for _, direction in kinds],
    }
    found = await (await connection.execute(*placed(_INTERACTIONS, values))).fetchone()
    return {lead_id: list(rows) for lead_id, rows in groupby(_touches.decode(found[0]), lambda row: row.lead_id)}


def asks_people(rules: Iterable[Rule]) -> bool:
    """Whether a rule is about what a lead's contact is, or its company, which may be the contact's."""
    asked = [rule.when for rule in rules if isinstance(rule.when, FieldCondition)]
    return any(when.is_of_contact or when.is_of_company for when in asked)


def asks_companies(rules: Iterable[Rule]) -> bool:
    """Whether a rule is about what a lead's company is."""
    return any(isinstance(rule.when, FieldCondition) and rule.when.is_of_company for rule in rules)


async def _contacts(
    connection: Connection, tenant_id: UUID, leads: Sequence[Facts], rules: Sequence[Rule]
) -> Mapping[UUID | None, list[ContactFacts]]:
    """The versions of leads' contacts, by the id that the lead has; of what a contact was merged into, that one's."""
    ids = {lead.contact_id for lead in leads if lead.contact_id}
    if not ids or not asks_people(rules):
        return {}
    by_now = await survivors(connection, tenant_id, list(ids))
    found = await (await connection.execute(_CONTACTS, (tenant_id, list(set(by_now.values()))))).fetchone()
    versions = {key: list(rows) for key, rows in groupby(_contact_facts.decode(found[0]), lambda row: row.id)}
    return {contact_id: versions[now] for contact_id, now in by_now.items() if now in versions}


async def _companies(
    connection: Connection,
    tenant_id: UUID,
    leads: Sequence[Facts],
    contacts: Mapping[UUID | None, Sequence[ContactFacts]],
    rules: Sequence[Rule],
) -> Mapping[UUID, list[CompanyFacts]]:
    """The versions of leads' companies, by lead: the lead's own, else the one that its contact is of."""
    if not asks_companies(rules):
        return {}
    of_leads = {lead.id: lead.company_id or _employer(contacts.get(lead.contact_id, ())) for lead in leads}
    ids = list({company_id for company_id in of_leads.values() if company_id})
    if not ids:
        return {}
    found = await (await connection.execute(_COMPANIES, (tenant_id, ids))).fetchone()
    versions = {key: list(rows) for key, rows in groupby(_company_facts.decode(found[0]), lambda row: row.id)}
    return {lead_id: versions[of] for lead_id, of in of_leads.items() if of in versions}


def _employer(contact: Sequence[ContactFacts]) -> UUID | None:
    """The company that a contact is of now; a deleted one is of none."""
    return contact[-1].company_id if contact and contact[-1].deleted_at is None else None


def _parts(
    rules: Sequence[Rule],
    touches: Sequence[_Touch],
    *,
    lead: Sequence[Facts],
    contact: Sequence[ContactFacts],
    company: Sequence[CompanyFacts],
) -> list[Part]:
    """What the rules give a lead, in their order."""
    parts: list[Part] = []
    for rule in rules:
        when = rule.when
        if isinstance(when, FieldCondition):
            since = holding_since(when, contact if when.is_of_contact else company if when.is_of_company else lead)
            made = [(since.position, since.at)] if since else []
        else:
            wanted = (each for each in touches if each.type is when.type and when.direction in {None, each.direction})
            made = [(each.position, each.at) for each in wanted][:MOST_EACH]
        parts += [
            Part(rule=rule.id, position=position, at=at, points=rule.points, decay_days=rule.decay_days)
            for position, at in made
        ]
    return parts
