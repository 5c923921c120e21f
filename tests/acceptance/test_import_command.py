"""R3.5: `rapport import` takes a file of contacts from this machine, as a user's act, and says what became of it."""

import csv
import json
from pathlib import Path

import pytest

from tests.acceptance.command_line import rapport
from tests.acceptance.importing import contacts, head
from tests.acceptance.installation import Installation, Tenant
from tests.acceptance.people import person

pytestmark = pytest.mark.servers

FILE = "Name,Mail,Junk\nAda,ada@x.example,1\nBob,not an e-mail,2\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "people.csv"
    made.write_text(FILE)
    return made


def test_a_file_is_imported_and_what_was_wrong_is_listed(
    installation: Installation, tenant: Tenant, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("import", file, "--tenant", tenant.email, "--mapping", "Junk=title", "--json")

    tried = rapport(capsys, installation, *words, "--dry-run", "--errors", file.with_name("tried.csv"))
    assert tried.code == 3, tried.error
    told = json.loads(tried.out.splitlines()[-1])
    assert (told["status"], told["counts"]["created"], told["counts"]["failed"]) == ("dry_run", 1, 1)
    assert tenant.http.get("/v1/imports").json()["data"] == []

    ran = rapport(capsys, installation, *words)
    assert ran.code == 3, ran.error
    *progress, told = map(json.loads, ran.out.splitlines())
    assert (progress[-1]["stage"], progress[-1]["done"], progress[-1]["total"]) == ("import", 2, 2)
    assert (told["status"], told["counts"]["created"], told["counts"]["failed"]) == ("completed", 1, 1)
    for path in (file.with_name("tried.csv"), Path(told["errors"])):
        with path.open(newline="") as listed:
            assert [(row["row"], row["column"], row["code"]) for row in csv.DictReader(listed)] == [
                ("3", "Mail", "email.invalid")
            ]
    shown = tenant.http.get(f"/v1/imports/{told['id']}").json()
    assert (shown["file_name"], shown["owner_id"]) == ("people.csv", tenant.user_id)
    tenant.position = head(tenant)
    assert {name: each["title"] for name, each in contacts(tenant).items()} == {"Ada": "1"}

    file.write_text("Name,Mail\nEve,eve@x.example\n")
    good = rapport(capsys, installation, "import", file, "--tenant", tenant.id, "--user", tenant.user_id)
    assert good.code == 0, good.error
    assert "completed: 1 created" in good.out


def test_what_can_not_be_imported_is_refused_and_leaves_nothing(
    installation: Installation, tenant: Tenant, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = person(installation, tenant, ["sales"])
    other = file.with_name("other.csv")
    other.write_text("a,b\n1,2\n")
    for words, why in (
        ((file, "--tenant", reader.email), "contacts.import"),
        ((file, "--tenant", tenant.id), "a user's act"),
        ((file, "--tenant", tenant.id, "--user", "nobody@x.example"), "no user of this tenant"),
        ((other, "--tenant", tenant.email), "no column is a name"),
        ((file, "--tenant", tenant.email, "--mapping", "Nope=email"), "not valid"),
    ):
        ran = rapport(capsys, installation, "import", *words)
        assert (ran.code, why in ran.error) == (1, True), (words, ran.error)
    assert rapport(capsys, installation, "import", file, "--tenant", tenant.email, "--mapping", "Name").code == 2
    assert tenant.http.get("/v1/imports").json()["data"] == []
