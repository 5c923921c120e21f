"""R4.1, R4.2: what imports and merges did to a contact is on its timeline, with what it was."""

import pytest

from tests.acceptance.importing import ended, head, imported
from tests.acceptance.installation import Tenant

pytestmark = pytest.mark.servers


def entries(tenant: Tenant, contact_id: str) -> list[tuple[str, str | None]]:
    """Kinds on a timeline, oldest first, each with the import or the other contact that it is about."""
    shown = tenant.get(f"/v1/contacts/{contact_id}/timeline", order="asc").json()["data"]
    return [(each["kind"], each["refs"].get("import_id") or each["refs"].get("other_id")) for each in shown]


def test_what_imports_made_changed_and_took_back_is_shown_and_what_people_change_is_not(tenant: Tenant) -> None:
    first = imported(tenant, "name,email\nAda,ada@mill.example\n")["id"]
    (ada,) = tenant.get("/v1/contacts").json()["data"]
    changed = tenant.http.patch(f"/v1/contacts/{ada['id']}", json={"title": "Countess"})
    tenant.position = int(changed.headers["Event-Position"])
    second = imported(tenant, "name,email,phone\nAda,ada@mill.example,+44 20 7946 0018\n", policy="update")["id"]
    assert tenant.http.post(f"/v1/imports/{second}/undo").status_code == 202
    assert ended(tenant, second)["status"] == "undone"
    tenant.position = head(tenant)
    assert entries(tenant, ada["id"]) == [("imported", first), ("imported", second), ("import_undone", second)]


def test_a_merge_and_its_end_name_the_other_contact(tenant: Tenant) -> None:
    ada, twin = tenant.add({"name": "Ada"})["id"], tenant.add({"name": "A. Lovelace"})["id"]
    for act in ("merge", "unmerge"):
        done = tenant.http.post(f"/v1/contacts/{ada}/{act}", json={"from": twin})
        assert done.status_code == 200, done.text
        tenant.position = int(done.headers["Event-Position"])
    assert entries(tenant, ada) == [("created", None), ("merged", twin), ("unmerged", twin)]
    assert entries(tenant, twin) == [("created", None), ("unmerged", ada)]
