"""A lead: somebody who may become a customer. Facts and state; the moves are in lead_status.py."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, field, structs

from domain.event import Event
from domain.lead_status import MOVES, Status
from domain.money import Money
from domain.personal import Personal


class LeadRegistered(Event, topic="lead.registered.v1", data_class="lead"):
    """A lead came in; it is new from when that occurred."""

    title: Personal[str]
    contact_id: UUID | None = None
    company_id: UUID | None = None
    owner_id: UUID | None = None
    source: str | None = None
    value: Money | None = None
    tags: Personal[tuple[str, ...]] = ()
    custom: Personal[dict[str, Any]] = field(default_factory=dict)
    external_ids: Personal[dict[str, str]] = field(default_factory=dict)


class LeadChanged(Event, topic="lead.changed.v1", data_class="lead"):
    """Fields of a lead got new values; what is absent stayed as it was, None cleared it."""

    title: Personal[str] | UnsetType = UNSET
    contact_id: UUID | UnsetType | None = UNSET
    company_id: UUID | UnsetType | None = UNSET
    source: str | UnsetType | None = UNSET
    value: Money | UnsetType | None = UNSET
    tags: Personal[tuple[str, ...]] | UnsetType = UNSET
    custom: Personal[dict[str, Any]] | UnsetType = UNSET
    external_ids: Personal[dict[str, str]] | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The fields that changed, by name."""
        return {name: value for name, value in structs.asdict(self).items() if value is not UNSET}


class LeadAssigned(Event, topic="lead.assigned.v1"):
    """A lead got another owner, or none."""

    owner_id: UUID | None = None


class LeadQualified(Event, topic="lead.qualified.v1", data_class="lead"):
    """A lead is worth working on."""

    reason: Personal[str | None] = None


class LeadNurtured(Event, topic="lead.nurtured.v1", data_class="lead"):
    """A lead is not ready yet, and is kept warm."""

    reason: Personal[str | None] = None


class LeadLost(Event, topic="lead.lost.v1", data_class="lead"):
    """A lead came to nothing, and why."""

    reason: Personal[str | None] = None


class LeadConverted(Event, topic="lead.converted.v1", data_class="lead"):
    """A lead became a customer's. `company_id`: the lead had none, and got this one by it."""

    customer_id: UUID
    company_id: UUID | None = None
    reason: Personal[str | None] = None


class LeadReopened(Event, topic="lead.reopened.v1", data_class="lead"):
    """A lost lead is new again."""

    reason: Personal[str | None] = None


class LeadConversionUndone(Event, topic="lead.conversion_undone.v1", data_class="lead"):
    """A lead was converted by mistake, and is where it was before."""

    customer_id: UUID
    reason: Personal[str | None] = None


class LeadDeleted(Event, topic="lead.deleted.v1"):
    """A lead was deleted; its history stays."""


class LeadFlaggedInactive(Event, topic="lead.flagged_inactive.v1"):
    """Nothing has happened with an open lead since then, for longer than the tenant wants. `owner_id`: whose it was."""

    since: datetime
    owner_id: UUID | None = None


class LeadFlagCleared(Event, topic="lead.flag_cleared.v1"):
    """Something did happen with a lead that was flagged: an interaction with it or its contact, at `active_at`."""

    active_at: datetime


class Stay(Struct, frozen=True):
    """A status that a lead entered, and when; it left it when the next one began."""

    status: Status
    since: datetime


class Lead(Struct, frozen=True, kw_only=True):
    """State of a lead; `version` counts the stream's events.

    `stays` are all its statuses in order, the last one is where it stands. `lent_company`: its company is that of its
    conversion, and goes when that is undone. `inactive_since`: it is flagged, and nothing has happened since then.
    """

    id: UUID
    version: int
    title: str
    contact_id: UUID | None = None
    company_id: UUID | None = None
    customer_id: UUID | None = None
    owner_id: UUID | None = None
    source: str | None = None
    value: Money | None = None
    tags: tuple[str, ...] = ()
    custom: dict[str, Any] = field(default_factory=dict)
    external_ids: dict[str, str] = field(default_factory=dict)
    status: Status = Status.NEW
    status_since: datetime
    lost_reason: str | None = None
    stays: tuple[Stay, ...]
    lent_company: bool = False
    occurred_at: datetime
    last_activity_at: datetime
    inactive_since: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    @property
    def acts(self) -> list[str]:
        """The acts that would change something now."""
        return [act.value for act, to in MOVES[self.status].items() if to is not self.status]

    @property
    def status_before(self) -> Status:
        """Where it stood before its last move."""
        return self.stays[-2].status


Moved = LeadQualified | LeadNurtured | LeadLost | LeadConverted | LeadReopened | LeadConversionUndone

_LEADS_TO: Mapping[type[Event], Status] = MappingProxyType(
    {
        LeadQualified: Status.QUALIFIED,
        LeadNurtured: Status.NURTURING,
        LeadLost: Status.LOST,
        LeadConverted: Status.CONVERTED,
        LeadReopened: Status.NEW,
    }
)

EVENTS = (
    *(LeadRegistered, LeadChanged, LeadAssigned, LeadDeleted),
    *(LeadQualified, LeadNurtured, LeadLost, LeadConverted, LeadReopened, LeadConversionUndone),
    *(LeadFlaggedInactive, LeadFlagCleared),
)


def evolve(
    lead: Lead | None, event: Event, *, stream_id: UUID, at: datetime, occurred_at: datetime | None = None
) -> Lead:
    """Apply one event, recorded at `at`, which happened at `occurred_at` (by default then, too).

    Raises:
        TypeError: the event is none of a lead's, or comes where it can't (a change of what isn't there).
    """
    then = occurred_at or at
    match lead, event:
        case None, LeadRegistered():
            return _registered(event, stream_id, at, then)
        case Lead(), LeadFlaggedInactive(since=since):
            return structs.replace(lead, version=lead.version + 1, inactive_since=since)
        case Lead(), LeadFlagCleared(active_at=active_at):
            return _active(lead, active_at)
        case Lead(), _:
            after = structs.replace(_active(lead, then), updated_at=at)
            return structs.replace(after, **_changed(lead, event, at, then))
        case _:
            raise _misfit(event)


def _registered(event: LeadRegistered, stream_id: UUID, at: datetime, then: datetime) -> Lead:
    return Lead(
        id=stream_id,
        version=1,
        status_since=then,
        stays=(Stay(Status.NEW, then),),
        occurred_at=then,
        last_activity_at=then,
        created_at=at,
        updated_at=at,
        **structs.asdict(event),
    )


def _active(lead: Lead, then: datetime) -> Lead:
    return structs.replace(
        lead, version=lead.version + 1, last_activity_at=max(then, lead.last_activity_at), inactive_since=None
    )


def _changed(lead: Lead, event: Event, at: datetime, then: datetime) -> dict[str, Any]:
    if to := _LEADS_TO.get(type(event)):
        return _entered(lead, to, then) | _with_it(event)
    match event:
        case LeadChanged():
            changes = event.changes()
            return changes | ({"lent_company": False} if "company_id" in changes else {})
        case LeadAssigned(owner_id=owner_id):
            return {"owner_id": owner_id}
        case LeadDeleted():
            return {"deleted_at": at}
        case LeadConversionUndone():
            returned = {"company_id": None, "lent_company": False} if lead.lent_company else {}
            return _entered(lead, lead.status_before, then) | {"customer_id": None} | returned
        case _:
            raise _misfit(event)


def _with_it(event: Event) -> dict[str, Any]:
    """What a move changes beside the status."""
    match event:
        case LeadConverted(customer_id=customer_id, company_id=UUID() as company_id):
            return {"customer_id": customer_id, "company_id": company_id, "lent_company": True}
        case LeadConverted(customer_id=customer_id):
            return {"customer_id": customer_id}
        case LeadLost(reason=reason):
            return {"lost_reason": reason}
        case _:
            return {}


def _entered(lead: Lead, status: Status, then: datetime) -> dict[str, Any]:
    return {"status": status, "status_since": then, "stays": (*lead.stays, Stay(status, then)), "lost_reason": None}


def _misfit(event: Event) -> TypeError:
    return TypeError(f"{type(event).__name__} does not fit the state of this lead")
