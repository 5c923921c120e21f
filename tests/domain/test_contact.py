"""R3.1, N-S3: what a contact is, is the fold of its events."""

from datetime import timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec import structs

from domain import contact
from domain.contact import Contact, Lifecycle, Name
from domain.event import Event
from tests.given import ADA, CALLER, START, changed, deleted, emails, given, phones, registered


def state(*events: Event) -> Contact:
    found = given(*events).state
    assert found is not None
    return found


def test_a_registered_contact_is_what_its_event_says() -> None:
    event = registered(emails=emails("ada@engines.example"), tags=("vip",), external_ids={"erp": "7"})

    made = state(event)

    assert made == Contact(
        id=ADA,
        version=1,
        name=Name("Ada", "Lovelace", "Ada Lovelace"),
        emails=emails("ada@engines.example"),
        tags=("vip",),
        owner_id=CALLER,
        external_ids={"erp": "7"},
        lifecycle=Lifecycle.LEAD,
        created_at=START,
        updated_at=START,
    )


def test_a_change_sets_what_it_names_and_leaves_the_rest() -> None:
    before = state(registered(title="Miss", tags=("vip",)))

    after = state(registered(title="Miss", tags=("vip",)), changed(title="Countess"))

    assert after == structs.replace(before, title="Countess", version=2, updated_at=START + timedelta(minutes=1))


def test_a_change_to_none_clears() -> None:
    assert state(registered(title="Miss"), changed(title=None, owner_id=None)).title is None
    assert state(registered(), changed(owner_id=None)).owner_id is None


def test_a_deleted_contact_keeps_what_it_was_and_when_it_went() -> None:
    gone = state(registered(title="Miss"), deleted())

    assert (gone.title, gone.version, gone.deleted_at) == ("Miss", 2, START + timedelta(minutes=1))


@pytest.mark.parametrize("event", [changed(title="Countess"), deleted()])
def test_nothing_happens_to_a_contact_before_it_is_registered(event: Event) -> None:
    with pytest.raises(TypeError):
        state(event)


def test_a_contact_is_registered_once() -> None:
    with pytest.raises(TypeError):
        state(registered(), registered())


def test_only_events_of_contacts_fit() -> None:
    class Unrelated(Event):
        pass

    with pytest.raises(TypeError, match="Unrelated"):
        contact.evolve(state(registered()), Unrelated(), stream_id=ADA, at=START)


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.none() | st.text(),
        "tags": st.lists(st.text(), max_size=3).map(tuple),
        "lifecycle": st.sampled_from(Lifecycle),
        "emails": st.just(emails("a@engines.example")),
        "phones": st.just(phones("+442079460018")),
        "external_ids": st.dictionaries(st.text(), st.text(), max_size=2),
    },
)


@for_all(st.lists(CHANGES, max_size=6))
def test_the_last_word_on_each_field_counts_and_every_event_counts_once(changes: list[dict[str, object]]) -> None:
    folded = state(registered(), *(changed(**fields) for fields in changes))

    last: dict[str, object] = {}
    for fields in changes:
        last |= fields
    assert {field: getattr(folded, field) for field in last} == last
    assert folded.version == 1 + len(changes)
    assert folded.created_at == START
    assert folded.updated_at == START + timedelta(minutes=len(changes))
