"""R3.5, B2, invariants 2 and 3: two processes that merge the same contacts at random leave a whole family behind."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest

from infra.keys.master import local_master
from infra.secret import secret_in
from tests.acceptance.installation import Installation, Tenant
from tests.faults.check import check
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

PEOPLE = 5
CALLERS = 6
REQUESTS = 25
ANSWERS = {200, 409, 410, 422}
"""Nothing else: whoever is too late is told why, and no request is given up."""


def meddle(urls: list[str], token: str, ids: list[str], seed: int) -> Counter[tuple[str, int]]:
    """Merge, unmerge and change at random, over several processes; what was answered."""
    chance, answers = random.Random(seed), Counter[tuple[str, int]]()  # noqa: S311
    with httpx.Client(timeout=PATIENCE, headers={"Authorization": f"Bearer {token}"}) as http:
        for number in range(REQUESTS):
            into, other = chance.sample(ids, 2)
            act = chance.choice(["merge", "merge", "unmerge", "patch"])
            path = f"{chance.choice(urls)}/v1/contacts/{into}"
            if act == "patch":
                answer = http.patch(path, json={"title": f"{seed}/{number}"})
            else:
                answer = http.post(f"{path}/{act}", json={"from": other})
            answers[act, answer.status_code] += 1
            assert answer.status_code in ANSWERS, answer.text
    return answers


def found(tenant: Tenant, ids: list[str]) -> dict[str, str]:
    """Each contact's id, and that of the contact which it is by now."""
    ends = {}
    for contact_id in ids:
        answer = tenant.get(f"/v1/contacts/{contact_id}")
        assert answer.status_code in {200, 410}, answer.text
        ends[contact_id] = answer.json()["id"] if answer.status_code == 200 else answer.json()["merged_into"]
    return ends


def test_two_processes_merge_the_same_contacts(installation: Installation, tenant: Tenant, urls: list[str]) -> None:
    people = [
        tenant.add({"name": f"P{n}", "email": f"p{n}@x.example", "external_ids": {f"s{n}": "1"}}) for n in range(PEOPLE)
    ]
    ids = [person["id"] for person in people]
    with ThreadPoolExecutor(CALLERS) as callers:
        answers = sum(callers.map(lambda n: meddle(urls, tenant.token, ids, n), range(CALLERS)), Counter[Any]())
    assert answers["merge", 200] >= 1
    assert answers["merge", 410] >= 1
    tenant.position = int(tenant.http.get("/v1/audit", params={"limit": 1}).json()["data"][0]["position"])

    ends = found(tenant, ids)
    live = {person["id"]: person for person in tenant.get("/v1/contacts").json()["data"]}
    assert live.keys() == set(ends.values()), "every old id leads to a contact that is there"
    for contact_id, end in ends.items():
        number = ids.index(contact_id)
        assert live[end]["external_ids"][f"s{number}"] == "1", "what it was found by finds what it is by now"
        assert f"p{number}@x.example" in {each["value"] for each in live[end]["emails"]}
    names = [each["value"] for person in live.values() for each in person["emails"]]
    assert len(names) == len(set(names)) == PEOPLE

    assert tenant.search("p1").status_code == 200  # what mirrors the rows is level too
    report = check(
        str(installation.ready["postgres_admin"]), local_master(secret_in(installation.data)), [UUID(tenant.id)]
    )
    assert not report.problems, "\n".join(report.problems)

    while len(ends) > len(set(ends.values())):  # the last link of each chain comes out, and so on
        for contact_id, end in ends.items():
            if contact_id != end:
                tenant.http.post(f"/v1/contacts/{end}/unmerge", json={"from": contact_id})
        tenant.position = int(tenant.http.get("/v1/audit", params={"limit": 1}).json()["data"][0]["position"])
        ends = found(tenant, ids)
    again = {person["id"]: person for person in tenant.get("/v1/contacts").json()["data"]}
    for person in people:
        assert {each: again[person["id"]][each] for each in ("name", "emails", "external_ids")} == {
            each: person[each] for each in ("name", "emails", "external_ids")
        }
