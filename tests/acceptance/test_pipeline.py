"""R5.4, R2.6, B1: the pipeline over HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers

EUR = {"amount": "10.00", "currency": "EUR"}


def add(tenant: Tenant, *moves: tuple[str, str], at: str = "2026-01-01", **members: Any) -> dict[str, Any]:
    """A lead of the past with its moves: act and day."""
    told = [{"act": act, "occurred_at": f"{day}T00:00:00Z", "reason": "so"} for act, day in moves]
    body = {"title": "Engine", "occurred_at": f"{at}T00:00:00Z", "moves": told, **members}
    answer = tenant.http.post("/v1/leads", json=body)
    assert answer.status_code == 201, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    made: dict[str, Any] = answer.json()
    return made


def status(figures: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in figures["statuses"] if each["status"] == name)
    return found


def share(figures: dict[str, Any], start: str, to: str) -> tuple[int, int, float | None]:
    found = next(each for each in figures["conversion"] if (each["from"], each["to"]) == (start, to))
    return found["entered"], found["moved"], found["rate"]


def test_figures_are_those_of_the_leads_and_money_is_never_added_across_currencies(tenant: Tenant) -> None:
    add(tenant, value=EUR)
    add(tenant, value=EUR)
    add(tenant, value={"amount": "5", "currency": "USD"})
    add(tenant, ("qualify", "2026-01-03"), ("convert", "2026-01-04"))
    add(tenant, ("qualify", "2026-01-02"), ("lose", "2026-01-12"))

    found = tenant.get("/v1/pipeline").json()
    assert [each["status"] for each in found["statuses"]] == ["new", "qualified", "nurturing", "converted", "lost"]
    new = status(found, "new")
    assert (new["count"], new["values"]) == (
        3,
        [{"amount": "20.00", "currency": "EUR"}, {"amount": "5.00", "currency": "USD"}],
    )
    assert new["seconds"] == {"median": 86400 * 1.5, "p90": 86400 * 1.9}
    assert status(found, "converted")["seconds"] == {"median": None, "p90": None}
    assert share(found, "new", "qualified") == (5, 2, 0.4)
    assert share(found, "qualified", "converted") == (2, 1, 0.5)
    assert share(found, "lost", "new") == (1, 0, 0.0)
    assert len(found["conversion"]) == 12
    assert found["win_rate"] == 0.5


def test_a_period_acts_on_conversion_win_rate_and_trend_only(tenant: Tenant) -> None:
    add(tenant, ("qualify", "2026-01-02"), ("convert", "2026-01-10"))
    add(tenant, ("qualify", "2026-01-05"), ("lose", "2026-01-20"))
    period = {"from": "2026-01-04T00:00:00Z", "to": "2026-01-15T00:00:00Z"}
    found = tenant.get("/v1/pipeline", **period).json()
    assert share(found, "qualified", "lost") == (1, 1, 1.0)
    assert found["win_rate"] == 1.0
    assert status(found, "lost")["count"] == 1
    rows = tenant.get("/v1/pipeline/trend", interval="day", **period).json()["data"]
    nothing = {"new": 0, "qualified": 0, "nurturing": 0, "converted": 0, "lost": 0}
    assert rows == [
        nothing | {"period": "2026-01-05", "qualified": 1},
        nothing | {"period": "2026-01-10", "converted": 1},
    ]
    assert [row["period"] for row in tenant.get("/v1/pipeline/trend", interval="month").json()["data"]] == [
        "2026-01-01"
    ]


def test_it_can_be_looked_at_as_it_was(tenant: Tenant) -> None:
    lead = add(tenant)
    moment = lead["updated_at"]
    tenant.position = int(
        tenant.http.post(f"/v1/leads/{lead['id']}/qualify", json={}).headers["Event-Position"],
    )
    assert status(tenant.get("/v1/pipeline").json(), "qualified")["count"] == 1
    then = tenant.get("/v1/pipeline", as_of=moment).json()
    assert (status(then, "new")["count"], status(then, "qualified")["count"], then["as_of"]) == (1, 0, moment)
    rows = tenant.get("/v1/pipeline/trend", as_of=moment).json()["data"]
    assert sum(row["qualified"] for row in rows) == 0


def test_filters_hold_and_what_is_read_is_within_reach(installation: Installation, tenant: Tenant) -> None:
    add(tenant, source="web")
    seller = person(installation, tenant, ["sales"])
    own = seller.http.post("/v1/leads", json={"title": "Mine"})
    after = {"Read-After": own.headers["Event-Position"]}
    mine = seller.http.get("/v1/pipeline", headers=after).json()
    assert status(mine, "new")["count"] == 1
    both = tenant.http.get("/v1/pipeline", headers=after).json()
    assert status(both, "new")["count"] == 2
    assert status(tenant.http.get("/v1/pipeline", params={"owner_id": seller.id}).json(), "new")["count"] == 1
    assert status(tenant.http.get("/v1/pipeline", params={"source": "web"}).json(), "new")["count"] == 1
    theirs = seller.http.get("/v1/pipeline", params={"owner_id": tenant.user_id}).json()
    assert status(theirs, "new")["count"] == 0


def test_a_hidden_value_is_in_no_sum_and_a_hidden_field_no_filter(installation: Installation, tenant: Tenant) -> None:
    rules = [{"resource": "leads", "field": field, "access": "hidden"} for field in ("value", "source")]
    role = {"name": "Interns", "permissions": ["leads.read:all"], "field_rules": rules}
    intern = person(installation, tenant, [tenant.http.post("/v1/roles", json=role).json()["key"]])
    add(tenant, value=EUR)
    assert "values" not in status(intern.http.get("/v1/pipeline").json(), "new")
    problem(intern.http.get("/v1/pipeline", params={"source": "web"}), 400, "query.invalid")


def test_a_period_that_ends_before_it_begins_is_refused(tenant: Tenant) -> None:
    period = {"from": "2026-01-04T00:00:00Z", "to": "2026-01-04T00:00:00Z"}
    refused = problem(tenant.get("/v1/pipeline", **period), 400, "query.invalid")
    assert refused["errors"][0]["code"] == "time.before_from"


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The figures that a stream tells, one by one."""
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_a_stream_tells_at_once_and_whenever_something_changes_until_access_ends(
    installation: Installation, tenant: Tenant
) -> None:
    manager = person(installation, tenant, ["manager"])
    add(tenant)
    headers = {"Read-After": str(tenant.position)}
    with manager.http.stream("GET", "/v1/pipeline/stream", headers=headers) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        told = events(answer)
        assert status(next(told), "new")["count"] == 1
        lead = add(tenant)
        assert status(next(told), "new")["count"] == 2
        assert tenant.http.put(f"/v1/users/{manager.id}/roles", json={"roles": []}).status_code == 200
        tenant.http.post(f"/v1/leads/{lead['id']}/qualify", json={})
        assert not [each for each in told if status(each, "qualified")["count"]]
