"""R5.1, R5.2, R5.4, R5.5, R6.4: a seller's real deals, through the API, come to what the files say."""

import csv
import statistics
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bench.crm_data import FOLDER, STATUSES, SYSTEM, Loaded, Row, load, read
from tests.acceptance.installation import Installation, Tenant
from tests.acceptance.people import login

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(
        not (FOLDER / "sales_pipeline.csv").exists(),
        reason="the crm-sales files (CRM Sales Opportunities of Maven Analytics) are not in ../shared/data/crm-sales",
    ),
]
EVERY = 16
"""One in so many opportunities; `python -m bench.crm_sales` loads all of them."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The opportunities, straight from the file."""
    with (FOLDER / "sales_pipeline.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))[::EVERY]


@pytest.fixture(scope="module")
def seller(installation: Installation) -> Tenant:
    """A company of its own."""
    return installation.tenant("Hardware Ltd")


@pytest.fixture(scope="module")
def loaded(seller: Tenant) -> Loaded:
    """The files, loaded into it."""

    def send(method: str, path: str, body: Any) -> Any:
        answer = seller.http.request(method, path, json=body, timeout=60)
        assert answer.is_success, answer.text
        seller.position = max(seller.position, int(answer.headers.get("Event-Position", 0)))
        return answer.json()

    made = load(send, read(every=EVERY))
    deadline = time.monotonic() + 60
    for path in ("/v1/pipeline", "/v1/customers"):
        while seller.get(path).status_code == 503:
            assert time.monotonic() < deadline, f"{path} does not get there"
    return made


def pipeline(seller: Tenant, **parameters: str) -> dict[str, Any]:
    answer = seller.get("/v1/pipeline", **parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stands(figures: dict[str, Any]) -> dict[str, tuple[int, Decimal]]:
    """How many leads stand in each status, and what they are worth."""
    return {
        each["status"]: (each["count"], Decimal(each["values"][0]["amount"]) if each["values"] else Decimal(0))
        for each in figures["statuses"]
        if each["count"]
    }


def expected(rows: list[Row]) -> dict[str, tuple[int, Decimal]]:
    counts: Counter[str] = Counter()
    values: Counter[str] = Counter()
    for row in rows:
        counts[STATUSES[row["deal_stage"]]] += 1
        values[STATUSES[row["deal_stage"]]] += int(row["close_value"] or 0)
    return {status: (counts[status], Decimal(values[status])) for status in counts}


def days_to_close(rows: list[Row]) -> list[int]:
    closed = [row for row in rows if row["close_date"]]
    form = "%d-%m-%y"
    return [
        (datetime.strptime(row["close_date"], form) - datetime.strptime(row["engage_date"], form)).days  # noqa: DTZ007
        for row in closed
    ]


def test_totals_values_and_days_to_close_are_those_of_the_file(seller: Tenant, loaded: Loaded, rows: list[Row]) -> None:
    found = pipeline(seller)
    assert stands(found) == expected(rows)
    won, lost = (sum(row["deal_stage"] == stage for row in rows) for stage in ("Won", "Lost"))
    assert found["win_rate"] == pytest.approx(won / (won + lost))
    seconds = next(each["seconds"] for each in found["statuses"] if each["status"] == "qualified")
    assert seconds["median"] == statistics.median(days_to_close(rows)) * 86400
    assert set(loaded.companies) >= {row["account"] for row in rows if row["account"]}


def test_each_agents_leads_and_values_are_those_of_the_file(seller: Tenant, loaded: Loaded, rows: list[Row]) -> None:
    for agent in {row["sales_agent"] for row in rows}:
        own = [row for row in rows if row["sales_agent"] == agent]
        assert stands(pipeline(seller, owner_id=loaded.users[agent])) == expected(own), agent


def test_an_agent_sees_the_figures_of_the_team_and_no_others(seller: Tenant, loaded: Loaded, rows: list[Row]) -> None:
    teams = read(every=EVERY).agents
    agent, manager = teams[0]["sales_agent"], teams[0]["manager"]
    team = {row["sales_agent"] for row in teams if row["manager"] == manager}
    token = login(seller.http, loaded.emails[agent])["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Read-After": str(seller.position)}
    answer = seller.http.get("/v1/pipeline", headers=headers)
    assert stands(answer.json()) == expected([row for row in rows if row["sales_agent"] in team])
    assert 1 < len(team) < len(teams)


def test_when_it_was_told_stays_true_however_old_the_deals_are(seller: Tenant, loaded: Loaded, rows: list[Row]) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    row = next(row for row in rows if row["deal_stage"] == "Won" and row["account"])
    leads = seller.get("/v1/leads", company_id=loaded.companies[row["account"]], limit=200).json()["data"]
    lead = next(each for each in leads if each["external_ids"] == {SYSTEM: row["opportunity_id"]})
    then = datetime.strptime(row["close_date"], "%d-%m-%y").replace(tzinfo=UTC)
    assert (lead["status"], datetime.fromisoformat(lead["status_since"])) == ("converted", then)
    assert datetime.fromisoformat(lead["created_at"]) > began
    history = seller.get(f"/v1/leads/{lead['id']}/history").json()["data"]
    assert history
    assert all(datetime.fromisoformat(each["at"]) > began for each in history)
    # What was known then is nothing, whatever is known of it by now.
    assert stands(pipeline(seller, as_of="2018-01-01T00:00:00Z")) == {}


def test_companies_become_one_customer_each_and_leads_without_one_a_customer_of_their_own(
    seller: Tenant, loaded: Loaded, rows: list[Row]
) -> None:
    won = [row for row in rows if row["deal_stage"] == "Won"]
    of_companies = {row["account"] for row in won if row["account"]}
    alone = sum(not row["account"] for row in won)
    found = [each for page in seller.pages("/v1/customers", limit=200) for each in page]
    assert sum(each["company_id"] is not None for each in found) == len(of_companies)
    assert len(found) == len(of_companies) + alone
    assert sum(len(each["lead_ids"]) for each in found) == len(won)
    assert {each["name"] for each in found if each["company_id"]} == of_companies
    assert loaded.companies
