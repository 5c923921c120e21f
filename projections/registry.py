"""Every projection there is. A new read model is a new file and one line here."""

from projections import (
    company,
    contact,
    contact_address,
    contact_family,
    contact_indexer,
    contact_past,
    contact_words,
    customer,
    duplicates,
    imports,
    interaction,
    lead,
    lead_contribution,
    lead_score,
    matching_rules,
    note,
    notification,
    pipeline,
    relationship,
    report,
    scoring_rules,
    timeline,
    user,
)
from projections.projection import Projection

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
