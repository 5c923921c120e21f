"""R3.1, N-S3: topics are what the log stores, so they never change and never meet."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain import company, contact, tenant, user
from domain.event import TOPICS, Event, UnknownTopicError, decode
from domain.tenant import PLATFORM
from tests.given import changed, deleted, emails, registered

KEPT = {
    "company.registered.v1": "CompanyRegistered",
    "contact.changed.v1": "ContactChanged",
    "contact.deleted.v1": "ContactDeleted",
    "contact.registered.v1": "ContactRegistered",
    "tenant.registered.v1": "TenantRegistered",
    "user.registered.v1": "UserRegistered",
}
"""Topics that logs may hold by now. A line here is only ever added."""

ROOT = Path(__file__).resolve().parents[2]
AGGREGATES = (company, contact, tenant, user)
"""Importing them is what fills the table of topics."""


def test_no_topic_that_a_log_may_hold_was_renamed_or_taken_away() -> None:
    assert {topic: TOPICS[topic].__name__ for topic in KEPT} == KEPT


def test_who_imports_the_registry_alone_can_read_every_log() -> None:
    asked = "import domain.registry; from domain.event import TOPICS; print(*sorted(TOPICS))"
    told = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True, cwd=ROOT)
    assert KEPT.keys() <= set(told.stdout.split())
    defined = {
        m[1] for path in (ROOT / "domain").glob("*.py") for m in re.finditer(r'topic="([a-z.0-9_]+)"', path.read_text())
    }
    assert defined == set(told.stdout.split())


def test_every_topic_is_kind_fact_version() -> None:
    assert len(TOPICS) >= len(AGGREGATES)
    odd = [topic for topic in TOPICS if not re.fullmatch(r"[a-z_]+\.[a-z_]+\.v[1-9][0-9]*", topic)]
    assert odd == []


def test_a_topic_belongs_to_one_event_alone() -> None:
    with pytest.raises(TypeError, match=r"contact\.deleted\.v1.*ContactDeleted"):

        class Again(Event, topic="contact.deleted.v1"):
            pass


def test_an_unknown_topic_is_told_from_bad_data() -> None:
    with pytest.raises(UnknownTopicError):
        decode("contact.vanished.v1", b"{}")
    with pytest.raises(msgspec.ValidationError):
        decode("contact.registered.v1", b"{}")


@pytest.mark.parametrize(
    "event",
    [
        registered(emails=emails("ada@engines.example"), external_ids={"erp": "7"}),
        changed(title=None, tags=()),
        changed(),
        deleted(),
    ],
)
def test_an_event_comes_back_from_the_log_as_it_went_in(event: Event) -> None:
    assert decode(event.TOPIC, msgspec.json.encode(event)) == event


def test_what_a_change_leaves_alone_is_not_stored_and_what_it_clears_is() -> None:
    stored: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(changed(title=None)))
    assert stored == {"title": None}


def test_the_platform_tenant_is_no_tenant_that_ids_could_meet() -> None:
    assert PLATFORM.version == 7
    assert PLATFORM.int >> 80 == 0
