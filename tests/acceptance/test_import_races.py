"""R3.1, R3.5: an import and batches of the same people, at the same time, add each of them once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.importing import ended, head, uploaded
from tests.acceptance.installation import Tenant

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

PEOPLE, PORTION = 8_000, 500
AHEAD = 4
"""How many portions ahead of what it is known to have done an import may be at work."""


@pytest.mark.parametrize("had_batches", [False, True])
def test_nobody_is_added_by_an_import_and_by_a_batch(tenant: Tenant, had_batches: bool) -> None:
    emails = [f"r{number}@x.example" for number in range(PEOPLE)]
    if had_batches:
        assert upsert(tenant, ["ada@engines.example"]) == 200
    made = uploaded(tenant, "name,email\n" + "".join(f"Person,{email}\n" for email in emails), auto_start=True)
    path, statuses, seen = f"/v1/imports/{made['id']}", Counter[int](), -1
    with ThreadPoolExecutor(AHEAD) as callers:
        while (found := tenant.http.get(path).json())["status"] == "running":
            if seen == (done := found["progress"]["done"]):
                continue
            seen = done
            starts = (done + ahead * PORTION for ahead in range(AHEAD))
            # Others of each portion, so that those of the one that is at work right now were in no batch before.
            parts = [emails[start + ahead : start + PORTION : 10] for ahead, start in enumerate(starts)]
            statuses.update(callers.map(lambda part: upsert(tenant, part), filter(None, parts)))
    found = ended(tenant, made["id"])
    assert (found["status"], found["counts"]["failed"]) == ("completed", 0)
    tenant.position = head(tenant)
    contacts = [each for page in tenant.pages("/v1/contacts", limit=200) for each in page]
    times = Counter(email["value"] for each in contacts for email in each["emails"])
    assert {email: count for email, count in times.items() if count > 1} == {}
    assert times.keys() >= set(emails)
    assert 0 < found["counts"]["skipped"] < PEOPLE, "they were not at work at the same time"
    assert statuses.keys() == {200}


def upsert(tenant: Tenant, emails: list[str]) -> int:
    """The status of a batch of people who are found by their e-mails."""
    items = [{"name": "Person", "email": email} for email in emails]
    return tenant.http.post("/v1/contacts/batch", json={"items": items, "match": "email"}).status_code
