"""R5.3, R5.4: what a tenant sets for all of its people, over HTTP."""

import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers

PATH = "/v1/settings"


def test_settings_are_as_usual_until_they_are_changed(tenant: Tenant) -> None:
    first = tenant.http.get(PATH)
    assert (first.status_code, first.headers["ETag"]) == (200, '"0"')
    usual = {"timezone": "UTC", "currency": "EUR", "inactivity_days": 30, "digest_hour": 7}
    assert first.json() == {"id": first.json()["id"], "version": 0, "created_at": None, "updated_at": None, **usual}
    dry = tenant.http.patch(PATH, json={"currency": "USD"}, params={"dry_run": "true"}).json()
    assert dry["events"] == [{"type": "settings.changed.v1", "data": {"currency": "USD"}}]
    problem(tenant.http.patch(PATH, json={"currency": "USD"}, headers={"If-Match": '"3"'}), 412, "precondition.version")
    changed = tenant.http.patch(PATH, json={"currency": "USD"}, headers={"If-Match": '"0"'})
    assert (changed.status_code, changed.headers["ETag"], changed.json()["currency"]) == (200, '"1"', "USD")
    assert tenant.http.get(PATH).json() == changed.json()
    assert bad_fields(tenant.http.patch(PATH, json={"timezone": "Mars", "inactivity_days": 0, "logo": "x"})) == {
        "/timezone": "timezone.unknown",
        "/inactivity_days": "value.out_of_range",
        "/logo": "field.unknown",
    }


def test_who_may_see_settings_may_not_change_them_for_that(installation: Installation, tenant: Tenant) -> None:
    manager, seller = (person(installation, tenant, [role]) for role in ("manager", "sales"))
    assert manager.http.get(PATH).status_code == 200
    for who in (manager, seller):
        problem(who.http.patch(PATH, json={}), 403, "permission.missing")
    problem(seller.http.get(PATH), 403, "permission.missing")


def test_values_of_leads_without_a_currency_are_in_that_of_the_tenant_when_they_came(tenant: Tenant) -> None:
    """R5.1: what is stored names its currency, so a later setting changes no figure of the past."""

    def send(amount: str) -> str:
        made = tenant.http.post("/v1/leads", json={"title": "Engine", "value": {"amount": amount}})
        assert made.status_code == 201, made.text
        tenant.position = int(made.headers["Event-Position"])
        lead_id: str = made.json()["id"]
        return lead_id

    first = send("12.5")
    assert tenant.http.patch(PATH, json={"currency": "JPY"}).status_code == 200
    send("1200")
    batch = {"items": [{"title": "Engine", "value": {"amount": amount}} for amount in ("5", "0.5")]}
    answer = tenant.http.post("/v1/leads/batch", json=batch)
    tenant.position = int(answer.headers["Event-Position"])
    assert [each["status"] for each in answer.json()["results"]] == [201, 422]
    new = next(each for each in tenant.get("/v1/pipeline").json()["statuses"] if each["status"] == "new")
    assert new["values"] == [{"amount": "12.50", "currency": "EUR"}, {"amount": "1205", "currency": "JPY"}]
    path, merge = f"/v1/leads/{first}", {"Content-Type": "application/merge-patch+json"}
    kept = tenant.http.patch(path, json={"value": {"amount": "13"}}, headers=merge).json()["value"]
    assert kept == {"amount": "13.00", "currency": "EUR"}
    tenant.http.patch(path, json={"value": None}, headers=merge)
    anew = tenant.http.patch(path, json={"value": {"amount": "14"}}, headers=merge).json()["value"]
    assert anew == {"amount": "14", "currency": "JPY"}


def test_the_trend_counts_by_the_days_of_the_tenants_zone_from_the_next_request_on(tenant: Tenant) -> None:
    """R5.4: a lead of half past one in the morning in Berlin, where it is Monday and in UTC still Sunday."""
    body = {"title": "Engine", "occurred_at": "2026-03-29T22:30:00Z"}
    tenant.position = int(tenant.http.post("/v1/leads", json=body).headers["Event-Position"])

    def periods(**query: str) -> list[str]:
        return [row["period"] for row in tenant.get("/v1/pipeline/trend", **query).json()["data"]]

    assert (periods(interval="day"), periods(interval="week")) == (["2026-03-29"], ["2026-03-23"])
    assert tenant.http.patch(PATH, json={"timezone": "Europe/Berlin"}).status_code == 200
    assert (periods(interval="day"), periods(interval="week")) == (["2026-03-30"], ["2026-03-30"])
    assert periods(interval="week", to="2026-03-29T22:00:00Z") == []
