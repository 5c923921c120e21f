"""N-S1, N-C1: in a running installation nothing personal is in the log, in the broker's files or in any log file."""

import time
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.installation import Installation, Tenant
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

WORDS = ("Qwyxtameril", "qwyxmail@example.com", "+442079460137", "Qwyxtitle", "qwyxtag", "qwyxextern")

PERSON = {
    "name": "Qwyxtameril Qwyxsurname",
    "emails": [{"value": "qwyxmail@example.com"}],
    "phones": [{"value": "+442079460137"}],
    "title": "Qwyxtitle",
    "tags": ["qwyxtag"],
    "external_ids": {"crm": "qwyxextern"},
}


def holding(folder: Path, word: str) -> list[str]:
    """The files of a folder that hold a word."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files, folder
    return [str(file) for file in files if word.encode() in file.read_bytes()]


def test_a_person_is_nowhere_but_in_what_is_read(installation: Installation, tenant: Tenant) -> None:
    made = tenant.add(PERSON)
    patched = tenant.http.patch(f"/v1/contacts/{made['id']}", json={"title": "Qwyxtitle the Second"})
    assert patched.status_code == 200, patched.text
    tenant.position = int(patched.headers["Event-Position"])
    assert tenant.search("qwyxtameril").json()["data"][0]["id"] == made["id"]
    assert tenant.get(f"/v1/contacts/{made['id']}").json()["emails"][0]["value"] == "qwyxmail@example.com"
    refused = tenant.http.post("/v1/contacts", json=PERSON)
    assert refused.status_code == 409, refused.text
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        query = "SELECT data, metadata FROM store.event WHERE tenant_id = %s"
        stored = [value for row in connection.execute(query, (tenant.id,)) for value in row]
    assert len(stored) >= 8
    told = (*WORDS, tenant.email, "Grace Hopper", "$2b$")
    assert not [word for word in told for value in stored if word.encode() in value]
    sealed_in_nats = (b'"title":{"k":', b"contact.changed.v1")
    deadline = time.monotonic() + PATIENCE
    while not all(holding(installation.data / "nats", mark.decode()) for mark in sealed_in_nats):
        assert time.monotonic() < deadline, "the relay has published nothing"
        time.sleep(0.1)
    for folder in ("nats", "logs"):
        assert not [found for word in told for found in holding(installation.data / folder, word)]
