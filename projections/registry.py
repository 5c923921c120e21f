"""Every projection there is. A new read model is a new file and one line here."""

from projections import imports
from projections.companies import company
from projections.contacts import address as contact_address
from projections.contacts import contact, relationship
from projections.contacts import family as contact_family
from projections.contacts import indexer as contact_indexer
from projections.contacts import past as contact_past
from projections.contacts import words as contact_words
from projections.duplicates import duplicates
from projections.duplicates import rules as matching_rules
from projections.identity import user
from projections.interactions import interaction, note
from projections.leads import contribution as lead_contribution
from projections.leads import customer, lead, scoring_rules
from projections.leads import score as lead_score
from projections.notifications import notification
from projections.pipeline import pipeline
from projections.projection import Projection
from projections.reports import report
from projections.timeline import timeline
from projections.timeline import words as timeline_words

POSTGRES = (
    company.PROJECTION,
    user.PROJECTION,
    contact.PROJECTION,
    contact_address.PROJECTION,
    imports.PROJECTION,
    contact_words.PROJECTION,
    contact_past.PROJECTION,
    contact_family.PROJECTION,
    relationship.PROJECTION,
    interaction.PROJECTION,
    note.PROJECTION,
    timeline.PROJECTION,
    matching_rules.RULES,
    matching_rules.DISMISSED,
    duplicates.PROJECTION,
    lead.PROJECTION,
    customer.PROJECTION,
    notification.PROJECTION,
    pipeline.PROJECTION,
    scoring_rules.PROJECTION,
    lead_contribution.PROJECTION,
    lead_score.PROJECTION,
    report.PROJECTION,
    timeline_words.PROJECTION,
)
"""In this order within a transaction; those with one of their own come after the others."""

SEARCH = contact_indexer.CHECKPOINT
"""The checkpoint of the search index, which is no projection of Postgres."""

_MIRRORS = {projection.checkpoint: projection.follows for projection in POSTGRES} | {
    SEARCH: contact_words.PROJECTION.follows
}


def followers(projection: Projection) -> list[str]:
    """The checkpoints of what mirrors a projection's rows; they may be set back, and then look at the rows again."""
    return [name for name, followed in _MIRRORS.items() if projection.checkpoint in followed]
