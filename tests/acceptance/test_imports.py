"""R3.5, B8: a file becomes contacts: looked at first, then row by row, and what is wrong with a row keeps no other."""

import json
import time
from typing import Any

import pytest

from tests.acceptance.importing import contacts, ended, errors, head, imported, upload, uploaded
from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

GERMAN = (
    "Vorname;Nachname;E-Mail;Telefon;Firma;Straße\r\n"
    "Jürgen;Müller;juergen@werk.example;+49 30 901820;Werk AG;Weg 1\r\n"
    "Grace;Hopper;grace@navy.example;;Navy;\r\n"
)


def test_a_file_is_looked_at_before_anything_is_written(tenant: Tenant) -> None:
    made = uploaded(tenant, GERMAN.encode("cp1252"), policy="update")
    assert (made["status"], made["encoding"], made["delimiter"]) == ("ready", "cp1252", ";")
    assert made["columns"] == ["Vorname", "Nachname", "E-Mail", "Telefon", "Firma", "Straße"]
    assert made["mapping"] == {
        "Vorname": "given",
        "Nachname": "family",
        "E-Mail": "email",
        "Telefon": "phone",
        "Firma": "company",
        "Straße": None,
    }
    assert made["progress"] == {"done": 0, "total": 2}
    rows = tenant.http.post(f"/v1/imports/{made['id']}/preview").json()["rows"]
    assert [(row["row"], row["action"], row["contact"]["name"]["display"]) for row in rows] == [
        (2, "create", "Jürgen Müller"),
        (3, "create", "Grace Hopper"),
    ]
    assert rows[0]["contact"]["company"]["name"] == "Werk AG"
    assert contacts(tenant) == {}


def test_a_dry_run_counts_and_shows_events_and_stores_nothing(tenant: Tenant) -> None:
    made = uploaded(tenant, "name,email\nAda,ada@x.example\nAda,ADA@x.example\nBad,bad\n")
    told = tenant.http.post(f"/v1/imports/{made['id']}/start", params={"dry_run": "true"}).json()
    counts = told["state"]["counts"]
    assert (counts["created"], counts["skipped"], counts["failed"]) == (1, 1, 1)
    assert [event["type"] for event in told["events"]] == ["contact.registered.v1"]
    assert tenant.http.get(f"/v1/imports/{made['id']}").json() == made


def test_rows_become_contacts_and_bad_ones_a_file_of_errors(tenant: Tenant) -> None:
    made = imported(tenant, "name,email,phone\nAda,ada@x.example,\n,,\nBob,bob,030 1\n=Eve,,\nShort\n")
    assert made["counts"] == {
        "total": 4,
        "created": 2,
        "updated": 0,
        "merged": 0,
        "skipped": 0,
        "failed": 2,
        "suggested": 0,
    }
    assert set(contacts(tenant)) == {"Ada", "=Eve"}
    listed = errors(tenant, made["id"])
    assert [(each["row"], each["column"], each["code"], each["value"]) for each in listed] == [
        ("4", "email", "email.invalid", "bob"),
        ("4", "phone", "phone.invalid", "030 1"),
        ("6", "", "import.ragged", ""),
    ]
    assert all(each["message"] and each["hint"] for each in listed)


def test_no_value_in_the_file_of_errors_is_a_formula(tenant: Tenant) -> None:
    made = imported(tenant, 'name,email\nAda,"=HYPERLINK(""http://evil.example"")"\n')
    assert [each["value"] for each in errors(tenant, made["id"])] == ['\'=HYPERLINK("http://evil.example")']


@pytest.mark.parametrize(
    ("policy", "counted", "title", "tags"),
    [
        ("skip", "skipped", "Countess", ["vip"]),
        ("update", "updated", "Analyst", ["vip", "new"]),
        ("merge", "skipped", "Countess", ["vip"]),
    ],
)
def test_a_policy_says_what_becomes_of_who_is_there(
    tenant: Tenant, policy: str, counted: str, title: str, tags: list[str]
) -> None:
    tenant.add({"name": "Ada Lovelace", "email": "ada@x.example", "title": "Countess", "tags": ["vip"]})
    made = imported(tenant, "name,email,title,tags\nAda Lovelace,ADA@x.example,Analyst,new\n", policy=policy)
    assert made["counts"][counted] == 1
    (ada,) = contacts(tenant).values()
    assert (ada["title"], ada["tags"]) == (title, tags)


def test_merging_fills_what_is_empty_and_nothing_else(tenant: Tenant) -> None:
    tenant.add({"name": "Ada Lovelace", "email": "ada@x.example"})
    made = imported(tenant, "name,email,title,phone\nAda King,ada@x.example,Analyst,+442079460018\n", policy="merge")
    assert made["counts"]["merged"] == 1
    (ada,) = contacts(tenant).values()
    assert ada["name"]["display"] == "Ada Lovelace"
    assert (ada["title"], ada["phones"][0]["value"]) == ("Analyst", "+442079460018")


def test_everybody_is_made_anew_where_the_policy_says_so(tenant: Tenant) -> None:
    tenant.add({"name": "Ada Lovelace", "email": "ada@x.example"})
    made = imported(tenant, "name,email\nAda,ada@x.example\nAda,ada@x.example\n", policy="create")
    assert made["counts"]["created"] == 2


def test_the_same_person_twice_in_a_file_is_one_contact_however_far_apart(tenant: Tenant) -> None:
    rows = [f"Person {n},p{n}@x.example" for n in range(620)]
    made = imported(tenant, "\n".join(["name,email", *rows, "Person 1,P1@x.example", "Person 619,p619@x.example"]))
    assert (made["counts"]["created"], made["counts"]["skipped"]) == (620, 2)


def test_a_phone_of_a_whole_house_makes_nobody_the_same(tenant: Tenant) -> None:
    made = imported(
        tenant, "name,phone\nAda Lovelace,+442079460018\nBob Smith,+442079460018\nA. Lovelace,+442079460018\n"
    )
    assert (made["counts"]["created"], made["counts"]["skipped"]) == (2, 1)


def test_external_ids_companies_and_owners_are_found(tenant: Tenant) -> None:
    tenant.add({"name": "Ada", "external_ids": {"erp": "7"}, "company": "Engines"})
    text = "name,external_ids.erp,company,owner\nAda King,7,ENGINES,{0}\nBob,8,Engines,nobody@x.example\n"
    made = uploaded(tenant, text.format(tenant.email), policy="update")
    assert made["mapping"]["external_ids.erp"] == "external_ids.erp"
    tenant.http.post(f"/v1/imports/{made['id']}/start")
    counts = ended(tenant, made["id"])["counts"]
    assert (counts["updated"], counts["failed"]) == (1, 1)
    assert errors(tenant, made["id"])[0]["code"] == "user.not_found"
    tenant.position = head(tenant)
    ada = contacts(tenant)["Ada King"]
    assert (ada["owner_id"], ada["company"]["name"]) == (tenant.user_id, "Engines")


def test_custom_fields_are_read_as_their_types_say(tenant: Tenant) -> None:
    for key, kind in (("born", "date"), ("score", "number"), ("vip", "boolean")):
        body = {"label": key.title(), "type": kind, "required": False, "unique": False}
        assert tenant.http.put(f"/v1/custom-fields/contact/{key}", json=body).status_code in {200, 201}
    text = 'name;Born;Score;Vip\nAda;13/12/1815;"1.234,5";ja\nBob;01/02/1900;7;no\nEve;;many;\n'
    made = imported(tenant, text)
    assert made["dates"] == {"Born": "day"}
    found = contacts(tenant)
    assert found["Ada"]["custom"] == {"born": "1815-12-13", "score": 1234.5, "vip": True}
    assert found["Bob"]["custom"] == {"born": "1900-02-01", "score": 7, "vip": False}
    assert [each["code"] for each in errors(tenant, made["id"])] == ["import.number_invalid"]


def test_a_mapping_is_said_and_a_wrong_one_refused_in_full(tenant: Tenant) -> None:
    made = uploaded(tenant, "a,b,c\nAda,ada@x.example,junk\n")
    path = f"/v1/imports/{made['id']}"
    assert made["status"] == "ready"  # the e-mail is known by its values
    wrong = {"a": "name", "b": "nonsense", "c": "name", "d": "title"}
    assert bad_fields(tenant.http.put(f"{path}/mapping", json={"mapping": wrong})) == {
        "/mapping/b": "import.field_unknown",
        "/mapping/c": "import.field_twice",
        "/mapping/d": "import.column_unknown",
    }
    said = tenant.http.put(f"{path}/mapping", json={"mapping": {"c": None}}).json()
    assert said["status"] == "uploaded"
    problem(tenant.http.post(f"{path}/start"), 409, "import.not_ready")
    said = tenant.http.put(f"{path}/mapping", json={"mapping": {"a": "name", "b": "email", "c": None}}).json()
    assert (said["status"], said["mapping"]) == ("ready", {"a": "name", "b": "email", "c": None})


@pytest.mark.parametrize(
    ("file", "code", "row"),
    [
        (b"", "import.empty", None),
        (b"name,email\n", "import.empty", None),
        (b"PK\x03\x04" + b"\0" * 64, "import.not_csv", None),
        (b"\x1f\x8b\x08" + b"\0" * 64, "import.not_csv", None),
        (b'{"name": "Ada"}', "import.not_csv", 1),
        (b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada\r\nEND:VCARD\r\n", "import.not_csv", 1),
        (b"name,email\nAda,\0\n", "import.binary", 2),
        (b'name,email\nAda,a@x.example\nBob,"b@x.example\n', "import.unclosed_quote", 3),
        (b"ada@x.example,Ada\nbob@x.example,Bob\n", "import.no_header", 1),
        (",".join(f"c{n}" for n in range(10_000)).encode() + b"\n1\n", "import.too_many_columns", 1),
        (b"name\n" + b"x" * 200_000 + b"\n", "import.field_too_long", 2),
        ("näme,b\nä,b\n".encode() + b"\xff\xfe,x\n", "import.encoding", 3),
    ],
)
def test_what_is_no_table_of_contacts_is_refused_in_words(
    tenant: Tenant, file: bytes, code: str, row: int | None
) -> None:
    found = problem(upload(tenant, file), 422, code)
    assert found.get("row") == row
    assert found["hint"]
    assert tenant.http.get("/v1/imports").json()["data"] == []


def test_a_form_is_read_strictly(tenant: Tenant) -> None:
    problem(tenant.http.post("/v1/imports", json={}), 415, "body.media_type")
    none = tenant.http.post("/v1/imports", files={"options": (None, "{}")})
    assert bad_fields(none) == {"/file": "field.required"}
    assert bad_fields(upload(tenant, "name\nAda\n", policy="maybe", more=1)) == {
        "/options/policy": "value.not_allowed",
        "/options/more": "field.unknown",
    }


def test_an_upload_is_taken_once_under_one_key(tenant: Tenant) -> None:
    form: Any = {"options": (None, json.dumps({"policy": "skip"})), "file": ("c.csv", b"name\nAda\n", "text/csv")}
    headers = {"Idempotency-Key": "upload-1", "Content-Type": "multipart/form-data; boundary=b"}
    first = tenant.http.post("/v1/imports", files=form, headers=headers)
    again = tenant.http.post("/v1/imports", files=form, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Idempotent-Replay"] == "true"
    assert first.json()["id"] == again.json()["id"]
    assert (
        len(tenant.http.get("/v1/imports", headers={"Read-After": again.headers["Event-Position"]}).json()["data"]) == 1
    )


def test_progress_is_told_until_it_is_over(tenant: Tenant) -> None:
    rows = "".join(f"Person {n},q{n}@x.example\n" for n in range(2000))
    made = uploaded(tenant, "name,email\n" + rows, auto_start=True)
    told = []
    with tenant.http.stream("GET", f"/v1/imports/{made['id']}/progress", timeout=PATIENCE) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        told = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert told[-1]["status"] == "completed"
    assert told[-1]["progress"] == {"done": 2000, "total": 2000}
    done = [each["progress"]["done"] for each in told]
    assert done == sorted(done)


def test_a_cancelled_import_stops_and_what_it_wrote_stays(tenant: Tenant) -> None:
    rows = "".join(f"Person {n},r{n}@x.example\n" for n in range(20_000))
    made = uploaded(tenant, "name,email\n" + rows, auto_start=True)
    path = f"/v1/imports/{made['id']}"
    while tenant.http.get(path).json()["progress"]["done"] == 0:
        time.sleep(0.02)
    assert tenant.http.post(f"{path}/cancel").json()["status"] == "cancelled"
    found = tenant.http.get(path).json()
    time.sleep(0.5)
    assert tenant.http.get(path).json() == found
    assert 0 < found["progress"]["done"] < 20_000
    problem(tenant.http.post(f"{path}/start"), 409, "import.state")


def test_lists_have_the_latest_first_page_by_page(tenant: Tenant) -> None:
    made = [uploaded(tenant, f"name\nAda {n}\n")["id"] for n in range(3)]
    tenant.position = head(tenant)
    found = [each["id"] for page in tenant.pages("/v1/imports", limit=2) for each in page]
    assert found == made[::-1]


def test_an_export_imports_again_to_the_same_contacts(installation: Installation, tenant: Tenant) -> None:
    """R3.5: every field, however many values it has, and nothing new."""
    field = {"label": "Born", "type": "date", "required": False, "unique": False}
    tenant.http.put("/v1/custom-fields/contact/born", json=field)
    tenant.add(
        {
            "name": {"given": "Ada", "family": "Lovelace", "display": "Lady Lovelace"},
            "emails": [{"value": "ada@x.example", "primary": True}, {"value": "ada@home.example", "kind": "home"}],
            "phones": [{"value": "+442079460018", "kind": "mobile", "primary": True}],
            "company": "=Engines, & Co",
            "title": "@Countess",
            "tags": ["vip", "board; member"],
            "external_ids": {"erp": "-7"},
            "lifecycle": "customer",
            "custom": {"born": "1815-12-10"},
        }
    )
    tenant.add({"email": "nobody@x.example"})
    before = sorted(contacts_of(tenant), key=str)
    file = tenant.get("/v1/contacts/export", format="csv").content
    again = imported(tenant, file, policy="update")
    assert (again["counts"]["failed"], again["counts"]["created"], again["counts"]["skipped"]) == (0, 0, 2)
    assert sorted(contacts_of(tenant), key=str) == before

    elsewhere = installation.tenant("Elsewhere Ltd")
    elsewhere.http.put("/v1/custom-fields/contact/born", json=field)
    without_owner = b"\n".join(line.replace(tenant.user_id.encode(), b"") for line in file.split(b"\n"))
    copied = imported(elsewhere, without_owner)
    assert (copied["counts"]["failed"], copied["counts"]["created"]) == (0, 2), errors(elsewhere, copied["id"])
    own = {"id", "version", "created_at", "updated_at", "owner_id", "company"}
    assert sorted(
        map(str, ({k: v for k, v in each.items() if k not in own} for each in contacts_of(elsewhere)))
    ) == sorted(map(str, ({k: v for k, v in each.items() if k not in own} for each in before)))


def contacts_of(tenant: Tenant) -> list[dict[str, Any]]:
    """All contacts, as lists have them."""
    return [each for page in tenant.pages("/v1/contacts", limit=200) for each in page]
