"""R5.3, invariant 3: what users are told of follows from the log, however it is built."""

from uuid import uuid4

import pytest

from domain.lead import LeadAssigned, LeadFlaggedInactive, LeadRegistered
from domain.note import NoteAdded, NoteEdited
from domain.notification import InboxRead, NotificationRead, inbox_id, notification_id
from projections.notifications.notification import PROJECTION
from tests.given import some_id
from tests.infra.event_store.appends import OCCURRED
from tests.projections.reading import contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

OWNER, OTHER = some_id(1), some_id(2)


async def test_rows_are_those_of_a_rebuild_and_what_was_read_stays_read(workshop: Workshop) -> None:
    tenant, lead = uuid4(), uuid4()
    flagged = LeadFlaggedInactive(since=OCCURRED, owner_id=OTHER)
    await workshop.happened(tenant, lead, LeadRegistered(title="Engine"), LeadAssigned(owner_id=OWNER))
    await workshop.happened(tenant, lead, LeadAssigned(), LeadAssigned(owner_id=OTHER), flagged, after=2)
    await workshop.happened(tenant, lead, LeadFlaggedInactive(since=OCCURRED), after=5)
    first = notification_id(lead, 2, OWNER)
    await workshop.happened(tenant, first, NotificationRead(user_id=OWNER))
    for position, after in ((3, 0), (4, 1)):
        await workshop.happened(tenant, inbox_id(OTHER), InboxRead(user_id=OTHER, up_to=position), after=after)
    note = uuid4()
    await workshop.happened(tenant, note, NoteAdded(subject_id=OTHER, contact_id=OTHER, mentions=(OWNER, OWNER)))
    more = NoteEdited(subject_id=OTHER, mentions=(OWNER, OTHER), newly_mentioned=(OTHER,))
    await workshop.happened(tenant, note, more, after=1)
    await workshop.level(tenant)
    before = contents(workshop.database, tenant, [PROJECTION])
    told = {(row["user_id"], row["kind"], row["position"]) for row in before["notification_v1"]}
    assert told == {
        (str(OWNER), "lead_assigned", 2),
        (str(OTHER), "lead_assigned", 4),
        (str(OTHER), "lead_inactive", 5),
        (str(OWNER), "mention", 10),
        (str(OTHER), "mention", 11),
    }
    assert {(row["stream_id"], row["up_to"]) for row in before["notification_read_v1"]} == {
        (str(first), None),
        (str(inbox_id(OTHER)), 4),
    }
    (verified,) = await workshop.verify(tenant, [PROJECTION])
    assert verified.differences == []
    rebuilt = await workshop.rebuild(PROJECTION)
    assert [each for each in rebuilt.compared if not each.is_equal] == []
    assert contents(workshop.database, tenant, [PROJECTION]) == before
