"""Examples of the events of companies, by the names of their lines."""

from uuid import UUID

from domain.company import CompanyChanged, CompanyDeleted, CompanyRegistered, CompanyRestored
from domain.event import Event

_PARENT = UUID("01890000-0000-7000-8000-0000000000c1")

COMPANIES: dict[str, Event] = {
    "a company with everything": CompanyRegistered(
        name="Analytical Engines Ltd",
        domain="engines.example",
        industry="Machinery",
        size=120,
        parent_id=_PARENT,
        custom={"floor": "3"},
        external_ids={"erp": "7"},
    ),
    "every field of a company changed": CompanyChanged(
        name="Engines",
        domain="e.example",
        industry="Looms",
        size="11-50",
        parent_id=_PARENT,
        custom={},
        external_ids={},
    ),
    "fields of a company cleared": CompanyChanged(domain=None, industry=None, size=None, parent_id=None),
    "a company deleted": CompanyDeleted(),
    "a company restored": CompanyRestored(),
}
"""What each line of the file is read as today."""
