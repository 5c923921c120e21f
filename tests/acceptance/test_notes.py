"""R4.4: notes are rich text that is safe to show, with author, edits and mentions, and found by their words."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.http.interactions.examples_notes import NOTE, VERSIONS
from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import Person, person
from tests.acceptance.test_as_of import earlier
from tests.acceptance.test_merge import merge, two, unmerge

pytestmark = pytest.mark.servers

HTML = (
    '<h2 onclick="x()">Call <em>back</em></h2><script>alert(1)</script><ul><li>Überweisung'
    '<li><a href="javascript:x">a</a></ul>'
)
CLEAN = '<h2>Call <em>back</em></h2><ul><li>Überweisung</li><li><a rel="noopener noreferrer nofollow">a</a></li></ul>'


def write(tenant: Tenant, contact: Any, html: str, by: Person | None = None, **headers: str) -> dict[str, Any]:
    """A note that must be accepted."""
    answer = (by or tenant).http.post(f"/v1/contacts/{contact['id']}/notes", json={"html": html}, headers=headers)
    assert answer.status_code == 201, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    note: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/v1/notes/{note['id']}"
    return note


def edit(tenant: Tenant, note: Any, html: str, by: Person | None = None, **headers: str) -> dict[str, Any]:
    """A note that says something else."""
    answer = (by or tenant).http.patch(f"/v1/notes/{note['id']}", json={"html": html}, headers=headers)
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    edited: dict[str, Any] = answer.json()
    return edited


def shown(tenant: Tenant, contact: Any, **query: str) -> list[tuple[str, str]]:
    """The titles of notes on a timeline."""
    answer = tenant.get(f"/v1/contacts/{contact['id']}/timeline", **query)
    assert answer.status_code == 200, answer.text
    return [(entry["refs"]["note_id"], entry["title"]) for entry in answer.json()["data"] if entry["kind"] == "note"]


def mention(user_id: object) -> str:
    return f'<p>Ask <span data-mention="{user_id}">@Grace</span></p>'


def test_a_note_is_cleaned_read_edited_and_removed(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    first = write(tenant, ada, HTML)
    assert (first["html"], first["text"]) == (CLEAN, "Call back\n- Überweisung\n- a")
    assert (first["author_id"], first["edits"], first["edited_at"]) == (tenant.user_id, 0, None)
    path = f"/v1/notes/{first['id']}"
    assert tenant.get(path).json() == first

    second = edit(tenant, first, "<p>Done", None, **{"If-Match": '"1"'})
    assert (second["html"], second["edits"], second["edited_at"]) == ("<p>Done</p>", 1, second["updated_at"])
    problem(tenant.http.patch(path, json={"html": "x"}, headers={"If-Match": '"1"'}), 412, "precondition.version")
    read = tenant.get(path)
    assert (read.json(), read.headers["ETag"]) == (second, '"2"')
    assert tenant.get(path, as_of=first["created_at"]).json() == first
    problem(tenant.get(path, as_of=earlier(first["created_at"])), 404, "note.not_found")
    versions = [page[0] for page in tenant.pages(f"{path}/edits", limit=1)]
    assert [(each["version"], each["html"], each["author_id"]) for each in versions] == [
        (2, "<p>Done</p>", tenant.user_id),
        (1, CLEAN, tenant.user_id),
    ]
    assert tenant.get(f"{path}/edits", as_of=first["created_at"]).json()["data"] == versions[1:]
    assert (read.json().keys(), versions[0].keys()) == (NOTE.keys(), VERSIONS[0].keys())
    assert [each["at"] for each in versions] == [second["updated_at"], first["updated_at"]]

    removed = tenant.http.delete(path)
    tenant.position = int(removed.headers["Event-Position"])
    assert removed.status_code == 204
    for answer in (tenant.get(path), tenant.get(f"{path}/edits"), tenant.http.delete(path)):
        problem(answer, 410, "note.deleted")
    assert tenant.get(path, as_of=second["updated_at"]).json() == second
    then = list(tenant.pages(f"{path}/edits", as_of=second["updated_at"], limit=1))
    assert then == [[version] for version in versions]


def test_a_note_is_on_the_timeline_and_found_by_its_words(tenant: Tenant) -> None:
    ada, other = tenant.add({"name": "Ada"}), tenant.add({"name": "Zoe"})
    first = write(tenant, ada, HTML)
    write(tenant, other, HTML)
    assert shown(tenant, ada) == shown(tenant, ada, q="uberw call") == [(first["id"], "Call back")]
    assert shown(tenant, ada, type="note") == shown(tenant, ada, author_id=tenant.user_id) == shown(tenant, ada)
    assert shown(tenant, ada, q="alert") == shown(tenant, ada, type="call") == []
    profile = tenant.get(f"/v1/contacts/{ada['id']}/profile").json()
    assert [entry["title"] for entry in profile["timeline"] if entry["kind"] == "note"] == ["Call back"]

    second = edit(tenant, first, "<p>Done</p>")
    assert shown(tenant, ada, q="call") == []
    assert shown(tenant, ada, q="done") == [(first["id"], "Done")]
    assert shown(tenant, ada, as_of=earlier(second["updated_at"])) == [(first["id"], "Call back")]

    tenant.position = int(tenant.http.delete(f"/v1/notes/{first['id']}").headers["Event-Position"])
    assert shown(tenant, ada) == []
    assert shown(tenant, ada, as_of=second["updated_at"]) == [(first["id"], "Done")]


def test_what_cannot_be_a_note_is_refused_with_the_reason(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add({'name': 'Ada'})['id']}/notes"
    refused = {
        "<p> </p><script>x</script>": "note.empty",
        "": "note.empty",
        "x" * (64 * 1024 + 1): "text.too_long",
        "<div>" * 50 + "x": "note.too_deep",
        "a&#1;b": "text.control_character",
        '<span data-mention="grace">@</span>': "type.uuid",
        "".join(mention(uuid4()) for _ in range(51)): "list.too_long",
    }
    for html, code in refused.items():
        assert bad_fields(tenant.http.post(path, json={"html": html})) == {"/html": code}, html[:50]
    assert bad_fields(tenant.http.post(path, json={})) == {"/html": "field.required"}
    assert bad_fields(tenant.http.post(path, json={"html": None})) == {"/html": "type.wrong"}
    problem(tenant.http.post(f"/v1/contacts/{uuid4()}/notes", json={"html": "x"}), 404, "contact.not_found")
    problem(tenant.http.patch(f"/v1/notes/{uuid4()}", json={"html": "x"}), 404, "note.not_found")


def test_users_are_mentioned_by_id_and_those_of_others_are_none(installation: Installation, tenant: Tenant) -> None:
    ada, stranger = tenant.add({"name": "Ada"}), installation.tenant("Others")
    grace = person(installation, tenant, ["sales"])
    path = f"/v1/contacts/{ada['id']}/notes"
    dry = tenant.http.post(path, params={"dry_run": "true"}, json={"html": mention(grace.id)}).json()
    assert dry["events"][0]["data"]["mentions"] == [grace.id]
    note = write(tenant, ada, mention(grace.id))
    assert (note["mentions"], note["html"], note["text"]) == ([grace.id], mention(grace.id), "Ask @Grace")

    both = mention(grace.id) + mention(tenant.user_id)
    dry = tenant.http.patch(f"/v1/notes/{note['id']}", params={"dry_run": "true"}, json={"html": both}).json()
    data = dry["events"][0]["data"]
    assert (data["mentions"], data["newly_mentioned"]) == ([grace.id, tenant.user_id], [tenant.user_id])

    for unknown in (str(uuid4()), stranger.user_id, ada["id"]):
        answer = tenant.http.post(path, json={"html": mention(grace.id) + mention(unknown)})
        assert bad_fields(answer) == {"/html": "user.not_found"}
        assert unknown in answer.json()["errors"][0]["message"]


def test_who_may_write_only_their_own_cannot_touch_those_of_others(installation: Installation, tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    grace = person(installation, tenant, ["sales"])
    reader = person(installation, tenant, ["marketing"])
    mine, theirs = write(tenant, ada, "<p>mine</p>", grace), write(tenant, ada, "<p>theirs</p>")
    assert edit(tenant, mine, "<p>still mine</p>", grace)["edits"] == 1
    answer = grace.http.patch(f"/v1/notes/{theirs['id']}", json={"html": "x"})
    assert problem(answer, 403, "permission.missing")["permission"] == "interactions.write"
    problem(grace.http.delete(f"/v1/notes/{theirs['id']}"), 403, "permission.missing")
    assert reader.http.get(f"/v1/notes/{theirs['id']}").json()["text"] == "theirs"
    problem(reader.http.post(f"/v1/contacts/{ada['id']}/notes", json={"html": "x"}), 403, "permission.missing")
    changed = edit(tenant, mine, "<p>corrected</p>")
    assert changed["author_id"] == grace.id
    versions = tenant.get(f"/v1/notes/{mine['id']}/edits").json()["data"]
    assert [each["author_id"] for each in versions] == [tenant.user_id, grace.id, grace.id]


def test_a_note_is_there_for_whom_its_contact_is_there_for(installation: Installation, tenant: Tenant) -> None:
    role = {"name": "Narrow", "permissions": ["contacts.read:own", "interactions.write:all"]}
    key = tenant.http.post("/v1/roles", json=role).json()["key"]
    grace = person(installation, tenant, [key])
    ada = tenant.add({"name": "Ada"})
    note = write(tenant, ada, "<p>secret</p>")
    path = f"/v1/notes/{note['id']}"
    for answer in (
        grace.http.get(path),
        grace.http.get(f"{path}/edits"),
        grace.http.get(path, params={"as_of": note["created_at"]}),
        grace.http.patch(path, json={"html": "x"}),
        grace.http.delete(path),
    ):
        problem(answer, 404, "note.not_found")
    problem(grace.http.post(f"/v1/contacts/{ada['id']}/notes", json={"html": "x"}), 404, "contact.not_found")

    tenant.position = int(tenant.http.delete(f"/v1/contacts/{ada['id']}").headers["Event-Position"])
    for answer in (tenant.get(path), tenant.http.patch(path, json={"html": "x"})):
        problem(answer, 410, "contact.deleted")
    assert tenant.get(path, as_of=note["created_at"]).json() == note


def test_a_note_goes_with_its_contact_into_a_merge_and_back(tenant: Tenant) -> None:
    ada, twin = two(tenant)
    note = write(tenant, twin, "<p>of the twin</p>")
    path = f"/v1/notes/{note['id']}"
    merge(tenant, ada, twin)
    assert shown(tenant, ada, q="twin") == [(note["id"], "of the twin")]
    assert tenant.get(path).json() == note
    edit(tenant, note, "<p>of both twins</p>")
    assert shown(tenant, ada) == [(note["id"], "of both twins")]
    unmerge(tenant, ada, twin)
    assert (shown(tenant, ada), shown(tenant, twin)) == ([], [(note["id"], "of both twins")])


def test_what_it_says_is_sealed_under_the_key_of_its_contact(installation: Installation, tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    note = write(tenant, ada, "<p>keeps bees</p>")
    edit(tenant, note, "<p>keeps geese</p>")
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        keys = "SELECT subject::text FROM store.data_key WHERE data_class = 'note' AND subject = ANY(%s::uuid[])"
        assert connection.execute(keys, ([ada["id"], note["id"]],)).fetchall() == [(ada["id"],)]
        stored = connection.execute("SELECT data::text FROM store.event WHERE stream_id = %s", (note["id"],)).fetchall()
    assert len(stored) == 2
    assert not any("keeps" in data for (data,) in stored)


def test_the_same_key_writes_one_note(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    notes = [write(tenant, ada, "<p>once</p>", None, **{"Idempotency-Key": "n1"}) for _ in range(2)]
    assert notes[0] == notes[1]
    assert len(shown(tenant, ada)) == 1
