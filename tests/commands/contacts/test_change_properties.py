"""R3.1, R1.5: what holds for every merge patch."""

from hypothesis import given as for_all
from hypothesis import strategies as st

from commands.contacts.input import ChangeContact
from domain.contact import ContactChanged, Lifecycle
from tests.given import ada, change, emails, given, phones, registered

VALUES = {
    "name": st.none() | st.sampled_from(["Grace Hopper", {"given": "Grace"}, {"family": None}, {"display": "G. H."}]),
    "email": st.none() | st.sampled_from(["grace@navy.example", "ada@engines.example", "countess@home.example"]),
    "phone": st.none() | st.sampled_from(["+442079460018", "+49 30 901820"]),
    "title": st.none() | st.sampled_from(["Admiral", "Countess"]),
    "tags": st.none() | st.lists(st.sampled_from(["navy", "math"]), max_size=2),
    "external_ids": st.none() | st.dictionaries(st.sampled_from(["erp", "shop"]), st.none() | st.just("9")),
    "lifecycle": st.none() | st.sampled_from(Lifecycle).map(str),
}
PATCHES = st.fixed_dictionaries({}, optional=VALUES).map(lambda members: change(**members))


@for_all(PATCHES)
def test_the_same_patch_again_changes_nothing_more(patch: ChangeContact) -> None:
    first = registered(emails=emails("ada@engines.example"), phones=phones("+442079460018"), external_ids={"erp": "7"})
    told = given(first).when(patch)
    if told.refusal is None and told.decision.events and patch.email is not None and patch.phone is not None:
        given(first, *told.decision.events).when(patch).then_nothing()


@for_all(PATCHES)
def test_a_change_names_exactly_the_fields_that_differ_and_keeps_one_primary(patch: ChangeContact) -> None:
    story = ada()
    told = story.when(patch)
    if told.refusal is not None or not told.decision.events:
        return
    (event,) = told.decision.events
    assert isinstance(event, ContactChanged)
    after = given(registered(), event).state
    assert story.state is not None
    assert after is not None
    assert all(getattr(story.state, field) != value for field, value in event.changes().items())
    for addresses in (after.emails, after.phones):
        assert [address.primary for address in addresses] == [n == 0 for n in range(len(addresses))]
