"""An example of a contact's profile, as the API document and its tests use it."""

from typing import Any

from api.http.examples import CONTACT
from api.http.examples_companies import COMPANY
from api.http.examples_interactions import ENTRY
from api.http.examples_leads import CUSTOMER, LEAD
from api.http.examples_relationships import RELATIONSHIP

PROFILE: dict[str, Any] = {
    "contact": CONTACT,
    "companies": [COMPANY],
    "relationships": [RELATIONSHIP],
    "timeline": [ENTRY],
    "leads": [LEAD],
    "customer": CUSTOMER,
    "consents": [],
}
