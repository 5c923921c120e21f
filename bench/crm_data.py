"""The sales data of a fictitious hardware seller (Maven Analytics, "CRM Sales Opportunities"), and how it is loaded.

Four files that are no part of the project: accounts.csv, sales_teams.csv, sales_pipeline.csv (and products.csv). They
become companies, users in teams, and leads with all that happened to them, through the public API alone.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec import Struct

FOLDER = Path(__file__).resolve().parents[2] / "shared/data/crm-sales"
"""Where the files are looked for."""
AT_ONCE = 500
PASSWORD = "correct horse battery staple"  # noqa: S105  of made-up people
SYSTEM = "crm_sales"
STATUSES = {"Prospecting": "new", "Engaging": "qualified", "Won": "converted", "Lost": "lost"}

Row = dict[str, str]
Send = Callable[[str, str, Any], Any]
"""Sends a body by a method to a path, and gives what is answered."""


class Sales(Struct, frozen=True):
    """The rows of the files, by their columns."""

    accounts: Sequence[Row]
    agents: Sequence[Row]
    opportunities: Sequence[Row]


class Loaded(Struct, frozen=True):
    """Ids of what was made: users by name, companies by account; and each agent's e-mail."""

    users: dict[str, str]
    companies: dict[str, str]
    emails: dict[str, str]


def read(folder: Path = FOLDER, *, every: int = 1) -> Sales:
    """The files, with one in so many of the opportunities, and those alone whom they are about."""

    def rows(name: str) -> list[Row]:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    opportunities = rows("sales_pipeline")[::every]
    sellers = {row["sales_agent"] for row in opportunities}
    return Sales(rows("accounts"), [row for row in rows("sales_teams") if row["sales_agent"] in sellers], opportunities)


def day(text: str) -> datetime:
    """A day as the files have them, dd-mm-yy."""
    return datetime.strptime(text, "%d-%m-%y").replace(tzinfo=UTC)


def load(send: Send, sales: Sales) -> Loaded:
    """All of it."""
    users, emails = _users(send, sales)
    companies = _companies(send, sales)
    items = [_lead(row, users, companies) for row in sales.opportunities]
    for portion in _portions(items):
        _batch(send, "/v1/leads/batch", {"items": portion})
    return Loaded(users, companies, emails)


def _users(send: Send, sales: Sales) -> tuple[dict[str, str], dict[str, str]]:
    """Managers and agents, each manager with the agents in a team."""
    roles = {row["manager"]: "manager" for row in sales.agents} | {row["sales_agent"]: "sales" for row in sales.agents}
    users: dict[str, str] = {}
    emails: dict[str, str] = {}
    for name, role in roles.items():
        emails[name] = f"{name.lower().replace(' ', '.')}-{uuid4().hex[:8]}@hardware.example"
        body = {"name": name, "email": emails[name], "password": PASSWORD, "roles": [role]}
        users[name] = send("POST", "/v1/users", body)["id"]
    for manager in dict.fromkeys(row["manager"] for row in sales.agents):
        team = send("POST", "/v1/teams", {"name": manager})["id"]
        members = [manager, *(row["sales_agent"] for row in sales.agents if row["manager"] == manager)]
        send("PUT", f"/v1/teams/{team}/members", {"user_ids": [users[each] for each in members]})
    return users, emails


def _companies(send: Send, sales: Sales) -> dict[str, str]:
    """Companies by account; those of a group after the one that they belong to."""
    made: dict[str, str] = {}
    left = list(sales.accounts)
    while left:
        now = [row for row in left if not row["subsidiary_of"] or row["subsidiary_of"] in made]
        if not now:
            raise ValueError(f"belong to nobody who is there: {[row['account'] for row in left]}")
        items = [_company(row, made) for row in now]
        ids = _batch(send, "/v1/companies/batch", {"items": items})
        made |= {row["account"]: each for row, each in zip(now, ids, strict=True)}
        left = [row for row in left if row not in now]
    return made


def _company(row: Row, made: dict[str, str]) -> dict[str, Any]:
    members = {"name": row["account"], "industry": row["sector"], "size": int(row["employees"])}
    return members | ({"parent_id": made[row["subsidiary_of"]]} if row["subsidiary_of"] else {})


def _lead(row: Row, users: dict[str, str], companies: dict[str, str]) -> dict[str, Any]:
    """An opportunity as a lead, of a company where one is known, with the moves that it has made."""
    lead: dict[str, Any] = {
        "title": row["product"],
        "owner_id": users[row["sales_agent"]],
        "external_ids": {SYSTEM: row["opportunity_id"]},
        "moves": list(_moves(row)),
    }
    if row["account"]:
        lead["company_id"] = companies[row["account"]]
    if row["engage_date"]:
        lead["occurred_at"] = day(row["engage_date"]).isoformat()
    if row["close_value"]:
        lead["value"] = {"amount": row["close_value"], "currency": "USD"}
    return lead


def _moves(row: Row) -> Iterator[dict[str, str]]:
    if row["engage_date"]:
        yield {"act": "qualify", "occurred_at": day(row["engage_date"]).isoformat()}
    closed = day(row["close_date"]).isoformat() if row["close_date"] else ""
    if row["deal_stage"] == "Won":
        yield {"act": "convert", "occurred_at": closed}
    elif row["deal_stage"] == "Lost":
        yield {"act": "lose", "occurred_at": closed, "reason": "not told"}


def _portions(items: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def _batch(send: Send, path: str, body: dict[str, Any]) -> list[str]:
    """The ids of what a batch made, all of whose items have to be taken."""
    results = send("POST", path, body)["results"]
    if refused := [each for each in results if each["status"] != 201]:
        raise ValueError(f"{path} refused {len(refused)} of {len(results)}: {refused[0]}")
    return [each["id"] for each in results]
