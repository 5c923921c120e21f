"""An example of a contact's profile, as the API document and its tests use it."""

from typing import Any

from api.http.companies.examples import COMPANY
from api.http.contacts.examples_relationships import RELATIONSHIP
from api.http.examples import CONTACT
from api.http.interactions.examples import ENTRY
from api.http.leads.examples import CUSTOMER, LEAD

PROFILE: dict[str, Any] = {
    "contact": CONTACT,
    "companies": [COMPANY],
    "relationships": [RELATIONSHIP],
    "timeline": [ENTRY],
    "leads": [LEAD],
    "customer": CUSTOMER,
    "consents": [],
}
