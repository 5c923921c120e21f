"""R4.2: words of a timeline's entries are found by their beginnings, be they rare or in most of the entries."""

from itertools import product

import pytest

from tests.acceptance.installation import Tenant
from tests.acceptance.test_interactions import log

pytestmark = pytest.mark.servers

AT = "2026-01-05T09:{:02}:00Z"
BODIES = ("wants thousands of cards", "Überweisung ist da", "wants nothing", "has no time today")


def ids(tenant: Tenant, path: str, **query: object) -> list[str]:
    """The entries of all pages."""
    return [entry["id"] for page in tenant.pages(path, **query) for entry in page]


def test_words_are_found_wherever_an_interaction_has_them(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "company": "Engines"})
    call = log(
        tenant,
        type="call",
        contact_id=ada["id"],
        occurred_at=AT.format(1),
        subject="Punched cards",
        body="An den Müller geliefert: 24.000 Stück",
        outcome="interested",
        next_action={"text": "Send the quote", "due_at": AT.format(2)},
    )
    paths = [f"/v1/contacts/{ada['id']}/timeline", f"/v1/companies/{call['company_id']}/timeline"]
    for text, path in product(
        ("punched", "CARDS pun", "muller", "Müll", "24", "stu", "interest", "quo", "send den punch", "q"), paths
    ):
        assert ids(tenant, path, q=text) == [call["id"]], text
    for text, path in product(("ards", "punched nothing", "mueller"), paths):
        assert ids(tenant, path, q=text) == [], text

    change = {"outcome": "won", "next_action": None, "body": "Fini"}
    answer = tenant.http.patch(f"/v1/interactions/{call['id']}", json=change)
    tenant.position = int(answer.headers["Event-Position"])

    for text, path in product(("fini won punched",), paths):
        assert ids(tenant, path, q=text) == [call["id"]]
    for text, path in product(("muller", "interested", "quote"), paths):
        assert ids(tenant, path, q=text) == []
    assert ids(tenant, paths[0], q="muller", as_of=call["recorded_at"]) == [call["id"]]


def test_what_many_entries_have_and_what_few_have_comes_in_order_page_by_page(tenant: Tenant) -> None:
    ada, other = tenant.add({"name": "Ada"}), tenant.add({"name": "Grace"})
    items = [
        {"type": "call", "contact_id": ada["id"], "occurred_at": AT.format(n), "body": BODIES[n % 3 if n > 5 else 3]}
        for n in range(59)
    ]
    theirs = {"type": "call", "contact_id": other["id"], "occurred_at": AT.format(7), "body": " ".join(BODIES)}
    answer = tenant.http.post("/v1/interactions/batch", json={"items": [*items, theirs]})
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    made = [result["id"] for result in answer.json()["results"]][:-1]
    path = f"/v1/contacts/{ada['id']}/timeline"

    # With small pages what few have is too far away to be met with on the way.
    for text, limit, order in product(("wants", "time", "wants thou", "uberw", "none"), (2, 50), ("asc", "desc")):
        asked = text.replace("uberw", "über").split()
        expected = [
            one
            for one, item in zip(made, items, strict=True)
            if all(any(word.lower().startswith(each) for word in str(item["body"]).split()) for each in asked)
        ]
        found = ids(tenant, path, q=text, limit=limit, order=order)
        assert found == (expected if order == "asc" else expected[::-1]), (text, limit, order)
