"""Calendars over HTTP: each event an interaction, or what changes of the one that is there."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from litestar import post

from api.http.answer import Answer
from api.http.batching import BatchResults, batch_answer
from api.http.exchange import (
    HttpRequest,
    WriteQuery,
    alone,
    check_media,
    context_of,
    principal_of,
    query_of,
    raw_body,
    services_of,
)
from api.http.inbound import examples
from api.http.inbound.people import who, writable
from api.http.interactions.writes import READING, WRITING, within_reach
from api.http.operation import operation
from api.http.shapes import DryRun
from commands.batch.items import Asked, ByKey, Item, Matching
from commands.decision import Lookup
from commands.identity.access import Principal
from commands.inbound import calendar as inbound_calendar
from commands.inbound import meeting as inbound_meeting
from commands.inbound import people as inbound
from commands.inbound import series as inbound_series
from commands.inbound.calendar import Meeting
from commands.inbound.people import Known, Told
from commands.inbound.series import Series
from commands.interactions import interaction
from commands.registry import FIND_INTERACTION
from domain.interaction import Interaction, evolve

CALENDAR = ("text/calendar",)


@post(
    "/inbound/calendar",
    status_code=200,
    **operation(
        summary="Bring in a calendar",
        description=(
            "Events as calendar programs write them (RFC 5545), at most 500. Each is a meeting: a new one (201), or the"
            " one that has its UID (200), which a later SEQUENCE changes, a cancellation or a reply too. Where an event"
            " repeats, each of its times is a meeting, up to 400 days from now. Each meeting has a result: it is done"
            " by itself, and what can't be done says why."
        ),
        tag="interactions",
        permission=WRITING,
        body=str,
        media=CALENDAR,
        query=WriteQuery,
        answers={200: (BatchResults, DryRun)},
        errors=("calendar.empty", "calendar.method", "calendar.too_many", "calendar.unreadable", "read_after.timeout"),
        example=examples.CALENDAR,
        result=examples.OF_CALENDAR,
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def bring_in_calendar(request: HttpRequest) -> Answer:
    """Events, one by one."""
    query: WriteQuery = query_of(request, WriteQuery)
    caller, services = principal_of(request), services_of(request)
    raw = await raw_body(request)
    check_media(request, CALENDAR)
    context = context_of(request, raw, dry_run=query.dry_run)
    said = await asyncio.to_thread(_read, raw, caller.settings.timezone, services.clock())
    wholes = {each.whole.series for each in said if isinstance(each, Series)}

    async def items() -> Sequence[Item]:
        there = await services.inbound.directory.series(
            caller.tenant_id, wholes, lambda author_id: caller.reaches(READING, author_id)
        )
        asked = inbound_series.asked(said, there)
        known = await who(request, [each for one in asked for each in inbound_meeting.people(one.meeting)])
        return [_item(caller, one, known) for one in asked]

    async with alone(request, context):
        matching = Matching(kind="interaction", evolve=evolve, find=_finder(request), seen=_seen)
        outcome = await services.batches.handle(context, items, matching=matching)
    return batch_answer(request, outcome, dry_run=query.dry_run)


def _read(raw: bytes, zone: str, now: datetime) -> list[Meeting | Series]:
    return inbound_series.unroll(inbound_calendar.read(raw, zone), zone, now)


def _item(caller: Principal, asked: inbound_series.Asked, known: Known) -> Item:
    told = writable(caller, inbound_meeting.told(asked.meeting, known))
    ids = filter(None, (asked.meeting.known_as, asked.also_as))
    return ByKey(
        keys=tuple((interaction.EXTERNAL_ID, each) for each in ids),
        asks=partial(_asked, caller, asked, told, known),
        lookups=tuple(inbound.lookups(told)),
        looks_at=tuple(inbound.looks_at(told)),
    )


def _asked(
    caller: Principal, asked: inbound_series.Asked, told: Told, known: Known, there: Sequence[Interaction]
) -> Asked:
    """A new one, or what changes; one that the caller may not read is as good as missing."""
    if asked.refusal:
        raise asked.refusal
    found = asked.among(there)
    if found is None or not caller.reaches(READING, found.author_id):
        return Asked(case=within_reach(inbound.LOG, caller), command=told)
    change = inbound_meeting.told_of(asked.meeting, known, found)
    if change is None:
        return Asked(case=FIND_INTERACTION, command=None, stream_id=found.id)
    case = within_reach(inbound.CHANGE, caller)
    return Asked(case=case, command=writable(caller, change), stream_id=found.id)


Finder = Callable[[UUID, Collection[Lookup]], Awaitable[Mapping[Lookup, Sequence[UUID]]]]


def _finder(request: HttpRequest) -> Finder:
    async def find(tenant_id: UUID, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
        held = await services_of(request).store.holders(tenant_id, keys)
        return {key: [stream_id] for key, stream_id in held.items()}

    return find


def _seen(state: Any) -> Sequence[Lookup]:
    return ((interaction.EXTERNAL_ID, state.external_id),) if state.external_id else ()
