"""R1.6: API keys issued and revoked."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from commands.decision import Decision, Given
from commands.identity import api_keys
from commands.identity.api_keys import IssueKey, NewKey, RevokeKey, Spelt
from domain.access import BUILT_IN_ROLES, Grants, grants
from domain.api_key import ApiKey, ApiKeyIssued, ApiKeyRevoked
from domain.authorization import Access
from domain.errors import DomainError
from domain.field_rules import Rights
from tests.given import START, TENANT, some_id

USER, KEY = some_id(1), some_id(2)
ADMIN = BUILT_IN_ROLES["admin"]
SPELT = Spelt("rk_text", "rk_t", "d" * 64)
KNOWN: Given[ApiKey] = Given(
    tenant_id=TENANT, stream_id=KEY, state=None, now=START, new_id=uuid4, caller=USER, found={}
)


def issue(by: Grants = ADMIN, **asked: Any) -> Decision:
    members = {"name": "Import", "roles": ["sales"], **asked}
    command = NewKey(asked=IssueKey(**members), spelt=SPELT, user_id=USER, by=Rights(by), access=Access())
    return api_keys.issue(command, KNOWN)


def refused(code: str, **asked: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        issue(**asked)
    assert refusal.value.code == code
    return refusal.value


def test_a_key_is_stored_by_its_digest_under_a_name_in_its_roles() -> None:
    (event,) = issue(name="  Nightly\timport ", roles=["sales", "marketing", "sales"]).events
    assert event == ApiKeyIssued(
        name="Nightly import", roles=("sales", "marketing"), user_id=USER, prefix="rk_t", digest="d" * 64
    )


def test_its_end_is_kept_in_utc_whatever_it_was_given_in() -> None:
    later = (START + timedelta(hours=1)).astimezone(timezone(timedelta(hours=5)))
    (event,) = issue(expires_at=later).events
    assert isinstance(event, ApiKeyIssued)
    assert (event.expires_at, event.expires_at and event.expires_at.tzinfo) == (later, UTC)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    refusal = refused("validation.failed", name=" ", roles=["sales", "pilot"], expires_at=START)
    assert {error.pointer: error.code for error in refusal.errors} == {
        "/name": "field.blank",
        "/roles/1": "role.not_found",
        "/expires_at": "time.past",
    }


def test_an_end_past_the_end_of_time_is_refused_and_does_not_break() -> None:
    never = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))
    (error,) = refused("validation.failed", expires_at=never).errors
    assert (error.pointer, error.code) == ("/expires_at", "type.wrong")


def test_nobody_gives_a_key_what_they_do_not_hold() -> None:
    clerk = grants("api_keys.manage", "reports.read", "contacts.read:own")
    assert refused("permission.missing", by=clerk).members["permission"] in BUILT_IN_ROLES["sales"]
    refused("permission.missing", by=clerk, roles=["admin"])
    assert issue(by=clerk, roles=[]).events


def test_a_key_is_revoked_by_anybody_who_may_revoke() -> None:
    assert api_keys.revoke(RevokeKey(), KNOWN).events == (ApiKeyRevoked(),)
