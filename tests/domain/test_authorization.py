"""R2.4, B9: who may do what, folded from the log."""

from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from domain.access import BUILT_IN_ROLES, Scope
from domain.api_key import ApiKeyIssued, ApiKeyRevoked
from domain.authorization import FACTS, Access, Fact, Key, fold
from domain.custom_field import (
    CustomFieldChanged,
    CustomFieldDefined,
    CustomFieldDeleted,
    FieldType,
    RecordKind,
    stream_of,
)
from domain.event import TOPICS, Event
from domain.tenant import TenantRestored, TenantSuspended
from domain.user import SignOut, UserRegistered, UserSignedOut
from tests.given import some_id

ADA, GRACE = some_id(1), some_id(2)


def fact(position: int, stream_id: UUID, event: Event) -> Fact:
    return Fact(position, stream_id, event.TOPIC, msgspec.json.encode(event))


def registered(*roles: str) -> UserRegistered:
    return UserRegistered(name="Ada", email="ada@engines.example", password_hash="-", roles=roles)


def signed_out() -> UserSignedOut:
    return UserSignedOut(reason=SignOut.ASKED)


LOG = [
    fact(2, ADA, registered("admin")),
    fact(5, GRACE, registered("sales", "gone")),
    fact(6, ADA, signed_out()),
    fact(9, GRACE, signed_out()),
    fact(12, ADA, signed_out()),
]


def test_a_user_may_what_the_roles_allow_and_an_unknown_role_allows_nothing() -> None:
    access = fold(Access(), LOG)
    assert access.granted(access.members[ADA].roles) == BUILT_IN_ROLES["admin"]
    assert access.granted(access.members[GRACE].roles) == BUILT_IN_ROLES["sales"]
    assert access.granted(access.members[GRACE].roles)["contacts.write"] is Scope.TEAM


def test_a_sign_out_of_all_sessions_begins_another_epoch_of_that_user() -> None:
    access = fold(Access(), LOG)
    assert (access.members[ADA].epoch, access.members[GRACE].epoch) == (2, 1)


@given(st.lists(st.integers(0, len(LOG)), max_size=6))
def test_read_in_whatever_pieces_and_however_often_it_is_the_same(cuts: list[int]) -> None:
    access = Access()
    for cut in (*cuts, len(LOG)):
        access = fold(access, LOG[:cut])
    assert access == fold(Access(), LOG)
    assert fold(access, LOG) is access


def test_nothing_personal_is_looked_at() -> None:
    sealed = b'{"name":{"k":"aa","n":"bb","c":"cc"},"email":{"k":"aa"},"password_hash":{},"roles":["sales"]}'
    access = fold(Access(), [Fact(1, ADA, UserRegistered.TOPIC, sealed)])
    assert access.members[ADA].roles == ("sales",)


def test_a_revoked_key_keeps_its_name_and_holds_no_role() -> None:
    issued = ApiKeyIssued(name="Import", roles=("sales",), user_id=ADA, prefix="rk_", digest="d")
    access = fold(Access(), [*LOG, fact(20, some_id(9), issued)])
    assert access.keys[some_id(9)] == Key("Import", ("sales",), ADA, "d")
    assert access.is_held("sales")
    gone = fold(fold(Access(), [fact(20, some_id(9), issued)]), [fact(21, some_id(9), ApiKeyRevoked())])
    assert gone.keys[some_id(9)] == Key("Import", ("sales",), ADA, "", revoked=True)
    assert not gone.is_held("sales")


def test_a_suspended_tenant_is_so_until_it_is_restored_and_nothing_else_changes() -> None:
    suspended = fold(fold(Access(), LOG), [fact(20, some_id(8), TenantSuspended())])
    assert suspended.suspended
    restored = fold(suspended, [fact(21, some_id(8), TenantRestored())])
    assert restored == structs.replace(fold(Access(), LOG), position=21)


def test_every_fact_is_an_event_that_there_is() -> None:
    assert FACTS.keys() <= TOPICS.keys()


def test_custom_fields_are_known_as_of_the_same_moment_deleted_ones_too() -> None:
    tenant, kind = some_id(9), RecordKind.CONTACT
    x, y = stream_of(tenant, kind, "x"), stream_of(tenant, kind, "y")
    log = [
        fact(3, x, CustomFieldDefined(kind=kind, key="x", label="X", type=FieldType.TEXT)),
        fact(4, y, CustomFieldDefined(kind=kind, key="y", label="Y", type=FieldType.DATE)),
        fact(7, x, CustomFieldChanged(label="Z")),
        fact(8, y, CustomFieldDeleted()),
    ]
    early = fold(Access(), log[:2])
    access = fold(early, log)
    assert access == fold(Access(), log)
    assert [(each.key, each.version, each.label) for each in access.custom[kind].values()] == [
        ("x", 2, "Z"),
        ("y", 2, "Y"),
    ]
    assert access.custom[kind]["y"].deleted_at is not None
    assert early.custom[kind]["x"].label == "X"
