"""Imports as a client makes them."""

import csv
import io
import json
import time
from typing import Any

import httpx

from tests.acceptance.installation import Tenant
from tests.waiting import PATIENCE

OVER = frozenset({"completed", "failed", "cancelled", "undone"})


def upload(tenant: Any, text: str | bytes, name: str = "contacts.csv", **options: Any) -> httpx.Response:
    """Upload a file."""
    data = text if isinstance(text, bytes) else text.encode()
    form: Any = {"options": (None, json.dumps(options), "application/json"), "file": (name, data, "text/csv")}
    answer: httpx.Response = tenant.http.post("/v1/imports", files=form)
    return answer


def uploaded(tenant: Any, text: str | bytes, **options: Any) -> dict[str, Any]:
    """Upload a file that must be taken."""
    answer = upload(tenant, text, **options)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def ended(tenant: Any, import_id: str, seconds: float = PATIENCE) -> dict[str, Any]:
    """The import once it is over."""
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = tenant.http.get(f"/v1/imports/{import_id}").json()
        if found["status"] in OVER:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def imported(tenant: Tenant, text: str | bytes, **options: Any) -> dict[str, Any]:
    """Import a file, to the end."""
    made = uploaded(tenant, text, auto_start=True, **options)
    found = ended(tenant, made["id"])
    assert found["status"] == "completed", found
    tenant.position = head(tenant)
    return found


def head(tenant: Tenant) -> int:
    """The position of the tenant's last event."""
    answer = tenant.http.post("/v1/contacts", json={"name": "Marker of the head"})
    tenant.http.delete(f"/v1/contacts/{answer.json()['id']}")
    return int(answer.headers["Event-Position"]) + 1


def errors(tenant: Any, import_id: str) -> list[dict[str, str]]:
    """The file of errors, read as CSV."""
    answer = tenant.http.get(f"/v1/imports/{import_id}/errors")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def contacts(tenant: Tenant) -> dict[str, dict[str, Any]]:
    """All contacts by their name as it is shown."""
    return {each["name"]["display"]: each for page in tenant.pages("/v1/contacts", limit=200) for each in page}
