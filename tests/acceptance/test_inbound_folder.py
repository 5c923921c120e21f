"""R4.1, R6.5: e-mails left in a folder come in once each, whatever else lies there and whoever is killed meanwhile."""

from pathlib import Path

import pytest

from tests.acceptance.installation import Installation, Tenant
from tests.acceptance.test_inbound_email import mail
from tests.waiting import wait

pytestmark = pytest.mark.servers


@pytest.fixture
def folder(installation: Installation) -> Path:
    """Where messages are left."""
    return installation.data.parent / "drop"


def leave(folder: Path, tenant_id: str, name: str, raw: bytes) -> None:
    """Leave a message as a mail server does."""
    new = folder / tenant_id / "new"
    new.mkdir(parents=True, exist_ok=True)
    written = folder / f"{tenant_id}.{name}"
    written.write_bytes(raw)
    written.rename(new / name)


def names(folder: Path, tenant_id: str, where: str) -> set[str]:
    """What lies somewhere."""
    return {path.name for path in (folder / tenant_id / where).glob("*")}


def test_what_is_left_comes_in_once_and_the_rest_is_kept_apart_with_a_reason(
    installation: Installation, folder: Path, tenant: Tenant
) -> None:
    ada = tenant.add({"name": "Ada", "email": "ada@mill.example"})
    hello = mail("ada@mill.example", tenant.email, "f1@x", "Subject: hello")
    other = mail("ada@mill.example", tenant.email, "f2@x", "Subject: other")
    leave(folder, tenant.id, "a.eml", hello)
    leave(folder, tenant.id, "again.eml", hello)
    leave(folder, tenant.id, "empty.eml", b"\n")
    leave(folder, tenant.id, "notes.txt", b"no message")
    (folder / tenant.id / "new" / "link.eml").symlink_to("/etc/hostname")
    leave(folder, "00000000-0000-7000-8000-000000000001", "nobody.eml", hello)
    installation.kill_role("worker")  # wherever it is: what comes in, comes in once
    leave(folder, tenant.id, "b.eml", other)

    wait(lambda: names(folder, tenant.id, "new") == {"notes.txt"})
    assert names(folder, tenant.id, "cur") == {"a.eml", "again.eml", "b.eml"}
    assert names(folder, tenant.id, "failed") == {"empty.eml", "empty.eml.reason", "link.eml", "link.eml.reason"}
    assert "empty" in (folder / tenant.id / "failed" / "empty.eml.reason").read_text()
    assert names(folder, "00000000-0000-7000-8000-000000000001", "new") == {"nobody.eml"}
    wait(lambda: len(tenant.http.get("/v1/interactions").json()["data"]) == 2)
    found = tenant.http.get("/v1/interactions", params={"contact_id": ada["id"]}).json()["data"]
    assert sorted(each["subject"] for each in found) == ["hello", "other"]
    audit = tenant.http.get("/v1/audit", params={"target_id": found[0]["id"]}).json()["data"]
    assert [entry["actor"]["kind"] for entry in audit] == ["system"]


def test_one_name_for_two_messages_loses_neither(folder: Path, tenant: Tenant) -> None:
    for number in range(2):
        leave(folder, tenant.id, "same.eml", mail("ada@mill.example", tenant.email, f"s{number}@x"))
        wait(lambda: not names(folder, tenant.id, "new"))
    assert len(names(folder, tenant.id, "cur")) == 2
    wait(lambda: len(tenant.http.get("/v1/review-queue").json()["data"]) == 2)
