"""R6.2, invariant 4: what goes to OpenSearch names one tenant, whatever is searched for."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.search.opensearch import query
from infra.search.opensearch_schema import document, document_id, salt
from projections.contacts.rows import Searchable
from projections.contacts.text import FIELDS, ContactText, asked
from tests.given import TENANT, some_id

OTHER = some_id(1)
HOSTILE = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        ["*", "tenant_id:*", '"}},{"match_all":{}}', f"tenant_id:{OTHER}", salt(OTHER), f"{salt(OTHER)}ada"]
    ),
)


def leaves(value: Any) -> Iterator[str]:
    """Every text that a query looks for."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [str(inner)] if name == "value" else leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


@given(HOSTILE)
def test_a_query_is_about_one_tenant_whatever_is_asked_for(text: str) -> None:
    body = query(TENANT, asked(text))["query"]["bool"]
    assert body["filter"] == [{"term": {"tenant_id": str(TENANT)}}]
    assert all(word.startswith(salt(TENANT)) for word in leaves(body["should"]))
    assert {form for each in body["should"] for form in each} <= {"dis_max"}


@given(HOSTILE)
def test_a_document_is_one_tenants_and_so_is_its_id(text: str) -> None:
    words = frozenset(asked(text))
    made = document(TENANT, Searchable(some_id(2), 1, ContactText(name=words, company=words)))
    assert made["tenant_id"] == str(TENANT)
    searched = " ".join(made.get(field, "") for field in (*FIELDS, "all")).split()
    assert len(searched) == 3 * len(words)
    assert all(word.startswith(salt(TENANT)) for word in searched)
    assert str(OTHER) not in json.dumps({name: value for name, value in made.items() if name != "text"})


def test_the_same_contact_of_two_tenants_is_two_documents() -> None:
    assert document_id(TENANT, some_id(2)) != document_id(OTHER, some_id(2))
    assert salt(TENANT) != salt(OTHER)
