"""Invariant 3, B6: every event that a log may hold is read for ever, also by code that stores it differently by now."""

from uuid import UUID

import msgspec
import pytest

from domain.company import CompanyRegistered
from domain.contact import (
    ContactChanged,
    ContactDeleted,
    ContactRegistered,
    ContactRestored,
    Email,
    Lifecycle,
    Name,
    Phone,
)
from domain.event import TOPICS, Event, decode
from domain.matching import DuplicatesDismissed, MatchingRulesSet
from domain.relationship import RelationshipEnded, RelationshipSet
from domain.tenant import TenantRegistered
from domain.upcast import OLD
from domain.user import UserRegistered
from tests.domain import golden
from tests.domain.golden_companies import COMPANIES
from tests.domain.golden_custom import CUSTOM
from tests.domain.golden_identity import IDENTITY
from tests.domain.golden_imports import IMPORTED_COMPANIES, IMPORTS
from tests.domain.golden_interactions import CONVERSATIONS, INBOUND, INTERACTIONS
from tests.domain.golden_leads import FLAGS, LEADS, LEADS_CUSTOM
from tests.domain.golden_merging import MERGING
from tests.domain.golden_notes import NOTES
from tests.domain.golden_notifications import NOTIFICATIONS
from tests.domain.golden_scoring import SCORING
from tests.domain.golden_settings import SETTINGS

COMPANY = UUID("01890000-0000-7000-8000-0000000000c1")
OWNER = UUID("01890000-0000-7000-8000-0000000000e1")
ADA = Email("ada@engines.example", primary=True)

EXPECTED: dict[str, Event] = {
    "a contact with nothing but a name": ContactRegistered(name=Name(display="Ada")),
    "a contact with everything": ContactRegistered(
        name=Name(given="Ada", family="Lovelace", display="Ada Lovelace"),
        emails=(ADA, Email("ada@home.example", kind="home")),
        phones=(Phone("+442079460018", kind="mobile", primary=True),),
        company_id=COMPANY,
        title="Countess",
        tags=("mathematics", "vip"),
        owner_id=OWNER,
        external_ids={"erp": "7"},
        lifecycle=Lifecycle.CUSTOMER,
    ),
    "every field changed": ContactChanged(
        name=Name(given="Ada", family="King"),
        emails=(Email("ada@king.example", primary=True),),
        phones=(),
        company_id=COMPANY,
        title="Lady",
        tags=(),
        owner_id=OWNER,
        external_ids={},
        lifecycle=Lifecycle.FORMER,
    ),
    "fields cleared": ContactChanged(company_id=None, title=None, owner_id=None),
    "a contact deleted": ContactDeleted(),
    "a company": CompanyRegistered(name="Analytical Engines Ltd"),
    "a tenant": TenantRegistered(name="Difference Engines Ltd"),
    "a user": UserRegistered(
        name="Grace Hopper", email="grace@engines.example", password_hash="$2b$12$hash", roles=("admin", "sales")
    ),
    **IDENTITY,
    "a relationship": RelationshipSet(contact_id=OWNER, other_id=COMPANY, kind="manager", reverse_kind="report"),
    "a relationship ended": RelationshipEnded(),
    "a contact restored": ContactRestored(),
    **INTERACTIONS,
    **CUSTOM,
    "matching rules": MatchingRulesSet(keys=("name", "custom.born"), suggest_at=0.5, merge_at=0.98, auto_merge=True),
    "duplicates dismissed": DuplicatesDismissed(
        contact_ids=(UUID("019b0000-0000-7000-8000-000000000003"), UUID("019b0000-0000-7000-8000-000000000004"))
    ),
    **IMPORTS,
    **MERGING,
    **COMPANIES,
    **LEADS,
    **SETTINGS,
    **SCORING,
    **LEADS_CUSTOM,
    **FLAGS,
    **INBOUND,
    **NOTES,
    **NOTIFICATIONS,
    **CONVERSATIONS,
    **IMPORTED_COMPANIES,
}
"""What each line of the file is read as today. When a version is succeeded by another, the value here becomes that of
the new version; the line stays."""

LINES = golden.read(golden.FILE.read_text())


def test_no_line_was_changed_since_it_was_added() -> None:
    assert golden.changed(LINES) is None


def test_no_line_was_taken_away() -> None:
    assert [line.name for line in LINES] == list(EXPECTED)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_an_event_that_was_ever_stored_is_read(line: golden.Golden) -> None:
    assert decode(line.topic, line.data.encode()) == EXPECTED[line.name]


def test_every_version_that_a_log_may_hold_has_a_line() -> None:
    current = {topic for topic, kind in TOPICS.items() if kind.__module__.startswith("domain.")}
    old = {topic for topic, step in OLD.items() if step.upcast.__module__.startswith("domain.")}
    lines = {line.topic for line in LINES}
    assert current | old == lines, "tests/domain/golden.py says how to add a line for a topic that a log may hold now"


@pytest.mark.parametrize("topic", sorted({line.topic for line in LINES} & TOPICS.keys()))
def test_what_is_stored_today_is_in_the_file(topic: str) -> None:
    """A class that stores something else than before needs a line that shows it."""
    newest = [line for line in LINES if line.topic == topic][-1]
    assert msgspec.json.encode(EXPECTED[newest.name]).decode() == newest.data


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([msgspec.structs.replace(LINES[0], data='{"name":{}}'), *LINES[1:]], LINES[0].name),
        ([msgspec.structs.replace(LINES[0], topic="contact.registered.v2"), *LINES[1:]], LINES[0].name),
        ([LINES[0], *LINES[2:]], LINES[2].name),
        ([LINES[0], LINES[2], LINES[1], *LINES[3:]], LINES[2].name),
        (LINES[1:], LINES[1].name),
    ],
    ids=["data", "topic", "one gone", "two swapped", "the first gone"],
)
def test_a_change_of_what_was_there_shows(lines: list[golden.Golden], shown: str) -> None:
    assert golden.changed(lines) == shown
