"""A contact as answers and files have it, with something in every field."""

from datetime import UTC, datetime
from typing import Any

from domain.contact import Email, Lifecycle, Name, Phone
from projections.contacts.queries import CompanyRef, Stored
from tests.given import some_id

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def a_contact(**fields: Any) -> Stored:
    """Ada; what is named is otherwise."""
    known: dict[str, Any] = {
        "id": some_id(1),
        "version": 1,
        "name": Name("Ada", "Lovelace", "Ada Lovelace"),
        "emails": (Email("home@ada.example", "home"), Email("ada@engines.example", primary=True)),
        "phones": (Phone("+442079460018", "mobile", primary=True),),
        "company": CompanyRef(some_id(2), "Analytical Engines, Ltd"),
        "title": "Countess",
        "tags": ("math", "a;b"),
        "owner_id": some_id(3),
        "custom": {},
        "external_ids": {"erp": "7"},
        "lifecycle": Lifecycle.LEAD,
        "created_at": AT,
        "updated_at": AT,
        "deleted_at": None,
        "sort_name": "ada lovelace",
    }
    return Stored(**known | fields)
