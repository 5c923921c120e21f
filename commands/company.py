"""Companies by name: found, or made with the contact that names them."""

from uuid import UUID

from commands import normalise
from commands.ports import Claim, StreamEvents
from domain.company import CompanyRegistered

NAME_CLAIM = "company.name"


def lookup(name: str) -> tuple[str, str]:
    """What to look up before deciding, so that two spellings of a name give one company."""
    return (NAME_CLAIM, normalise.key(name))


def register(tenant_id: UUID, company_id: UUID, name: str) -> tuple[StreamEvents, Claim]:
    """A new company, and the claim that makes it the one which this name finds."""
    events = StreamEvents(company_id, 0, (CompanyRegistered(name=name),))
    return events, Claim(tenant_id, *lookup(name), company_id)
