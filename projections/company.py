"""Companies: their names by id."""

from domain.company import CompanyRegistered
from projections.named import named

PROJECTION = named("company", 1, CompanyRegistered)
