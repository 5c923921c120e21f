"""Timelines over HTTP: what happened with a contact or a company, in the order of time."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from litestar import Router, get
from msgspec import UNSET, Struct, UnsetType, structs

from api.http.answer import Answer
from api.http.as_of import AsOf
from api.http.companies.reads import company_now, company_then
from api.http.companies.sight import sight_of
from api.http.contacts.there import contact_now, contact_then
from api.http.exchange import HttpRequest, path_id, principal_of, query_of, services_of
from api.http.interactions import examples
from api.http.leads.reach import SEEING as SEEING_LEADS
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import HIDING, require_shown
from commands.identity.access import Principal
from commands.sight import SEEING
from commands.visible import INTERACTIONS, LEADS, View, view_of
from domain.interaction import Channel, Type
from projections.contacts import family as contact_family
from projections.contacts.family import by_family
from projections.identity import user, user_queries
from projections.leads import lead
from projections.ports import Connection
from projections.position import Level, Moment
from projections.timeline import leads as timeline_leads
from projections.timeline import queries as timeline_queries
from projections.timeline import timeline
from projections.timeline.queries import Filters, Stored
from projections.timeline.system import IMPORT_UNDONE, IMPORTED, PARTICIPANTS

READ_MODELS = tuple(each.PROJECTION.checkpoint for each in (timeline, contact_family, lead, user))
_INTERACTION = "interaction"
_NOTE = "note"
_READING = "interactions.read"
_SAID = ("subject", "body", "outcome", "next_action")
"""What `q` looks for words in."""
_TITLES: dict[str, str] = {
    "created": "Contact added",
    "deleted": "Contact deleted",
    "restored": "Contact restored",
    IMPORTED: "Imported from a file",
    IMPORT_UNDONE: "An import undone",
    "merged": "Another contact merged into this one",
    "unmerged": "A merge undone",
    "call": "Call",
    "email": "E-mail",
    "meeting": "Meeting",
    "message": "Message",
    "web_visit": "Visit of the web site",
    "task": "Task",
    "note": "Note",
    "system": "System",
    _INTERACTION: "Interaction",
}

_TITLES_OF_LEADS: dict[str, str] = {
    timeline_leads.CREATED: "Lead added",
    timeline_leads.ASSIGNED: "Lead given to another owner",
    timeline_leads.DELETED: "Lead deleted",
}

_TITLES_OF_COMPANIES: dict[str, str] = {
    "created": "Company added",
    "deleted": "Company deleted",
    "restored": "Company restored",
}


class Author(Struct, frozen=True):
    """Who did it."""

    id: UUID
    name: str | None


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """Something that happened; `refs` are the ids of what it is about, `position` what of the log made it so."""

    id: UUID
    kind: str
    type: Type | UnsetType | None = UNSET
    channel: Channel | UnsetType | None = UNSET
    occurred_at: datetime
    title: str | UnsetType
    author: Author | None
    outcome: str | UnsetType | None = UNSET
    refs: Mapping[str, UUID | list[UUID]]
    position: int


class TimelineQuery(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Filters, order and page of a timeline. `from` is included, `to` is not; `q` are beginnings of words."""

    type: Type | None = None
    channel: Channel | None = None
    author_id: UUID | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None
    order: Literal["desc", "asc"] = "desc"
    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/contacts/{contact_id:str}/timeline",
    **operation(
        summary="What happened with a contact",
        description=(
            "Interactions that the contact took part in, notes, what became of it (imports and merges too) and of its"
            " leads, the newest first. `q` finds entries that have words which begin with its words, in subject, text,"
            f" outcome, next action or note. {HIDING}"
        ),
        tag="contacts",
        permission=SEEING,
        query=TimelineQuery,
        answers={200: Page[TimelineEntry]},
        errors=("contact.not_found", "contact.deleted", "cursor.invalid"),
        result={"data": [examples.ENTRY], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def contact_timeline(request: HttpRequest) -> Answer:
    """A page of a contact's timeline."""
    contact_id = path_id(request, "contact_id", "contact")

    async def there(moment: Moment | None, level: Level | None) -> None:
        await (contact_then(request, contact_id, moment) if moment else contact_now(request, contact_id, level))

    def by_ids(page: Asking, moment: Moment | None) -> Ask:
        return by_family(page, principal_of(request).tenant_id, contact_id, moment)

    return await timeline_page(request, contact_id, there, by_ids, "contact")


@get(
    "/companies/{company_id:str}/timeline",
    **operation(
        summary="What happened with a company",
        description=(
            "Interactions with it, and with contacts who worked for it then, and what became of it; else as the"
            f" timeline of a contact. {HIDING}"
        ),
        tag="companies",
        permission=SEEING,
        query=TimelineQuery,
        answers={200: Page[TimelineEntry]},
        errors=("company.not_found", "company.deleted", "cursor.invalid"),
        result={"data": [examples.ENTRY], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def company_timeline(request: HttpRequest) -> Answer:
    """A page of a company's timeline."""
    company_id = path_id(request, "company_id", "company")
    sight_of(request, SEEING)

    async def there(moment: Moment | None, _: Level | None) -> None:
        await (company_then(request, company_id, moment) if moment else company_now(request, company_id))

    def by_ids(page: Asking, _: Moment | None) -> Ask:
        return partial(page, records=[company_id])

    return await timeline_page(request, company_id, there, by_ids, "company")


Rows = tuple[list[Stored], list[str] | None]
Ask = Callable[[Connection], Awaitable[Rows]]
Asking = Callable[..., Awaitable[Rows]]


async def timeline_page(
    request: HttpRequest,
    record_id: UUID,
    there: Callable[[Moment | None, Level | None], Awaitable[None]],
    by_ids: Callable[[Asking, Moment | None], Ask],
    kind: str,
) -> Answer:
    """A page of what happened with a record of a kind that `there` finds, or refuses.

    `by_ids` asks by all ids that it has.
    """
    query: TimelineQuery = query_of(request, TimelineQuery)
    caller, services = principal_of(request), services_of(request)
    scope = ["timeline", record_id, structs.replace(query, limit=0, cursor=None)]
    after, moment = await page_asked(request, query, scope)
    level = await settled(request, READ_MODELS, at_least=moment.position if moment else 0)
    await there(moment, level)
    view = view_of(caller, INTERACTIONS)
    _check_seen(view, query)
    filters = Filters(**{name: getattr(query, name) for name in Filters.__struct_fields__})
    page = partial(timeline_queries.page, filters=filters, text=query.q or "", after=after)
    page = partial(page, descending=query.order == "desc", limit=query.limit, as_of=moment, **seen_by(caller, kind))
    rows, bound = await services.reads.ask(caller.tenant_id, by_ids(page, moment), at_least=level)
    names = await _names(request, rows)
    next_cursor = cursor_after(request, scope, bound, moment)
    return Answer(Page(data=[entry(row, names, caller) for row in rows], next_cursor=next_cursor))


def seen_by(caller: Principal, kind: str) -> dict[str, Any]:
    """What of the timeline of a contact, company or lead a caller is shown, as timeline_queries.page takes it.

    Who must not see which contact or company leads are of finds none on its timeline.
    """
    leads, hidden = view_of(caller, LEADS), kind != "lead" and view_of(caller, LEADS).hides(kind)
    return {
        "authors": caller.owners(_READING),
        "leads_of": () if hidden else caller.owners(SEEING_LEADS),
        "without": (timeline_leads.ASSIGNED,) if leads.hides("owner_id") else (),
    }


def entry(row: Stored, names: Mapping[UUID, str], caller: Principal) -> TimelineEntry:
    """An entry as it is told to somebody."""
    view = view_of(caller, INTERACTIONS)
    author = Author(row.author_id, names.get(row.author_id)) if row.author_id else None
    if row.kind.startswith(timeline_leads.PREFIX):
        return _of_lead(row, author, view_of(caller, LEADS))
    titles = _TITLES | _TITLES_OF_COMPANIES if "contact_id" not in row.refs else _TITLES
    title = row.title or titles.get(row.type or row.kind) or row.kind
    shown: dict[str, Any] = {"type": row.type, "channel": row.channel, "outcome": row.outcome, "title": title}
    if row.kind == _INTERACTION:
        hidden = {name for name in shown if view.hides("subject" if name == "title" else name)}
        shown |= dict.fromkeys(hidden, UNSET)
    else:
        shown |= {"type": row.type or UNSET, "channel": UNSET, "outcome": UNSET}
    refs: dict[str, Any] = dict(row.refs) | ({f"{row.kind}_id": row.id} if row.kind in {_INTERACTION, _NOTE} else {})
    if view.hides("participants"):
        refs.pop(PARTICIPANTS, None)
    return TimelineEntry(
        id=row.id, kind=row.kind, occurred_at=row.at, author=author, refs=refs, position=row.since, **shown
    )


def _of_lead(row: Stored, author: Author | None, view: View) -> TimelineEntry:
    refs = {name: each for name, each in timeline_leads.shown(row.refs).items() if not view.hides(name)}
    title = _TITLES_OF_LEADS.get(row.kind) or f"Lead {row.outcome}"
    return TimelineEntry(
        id=row.id,
        kind=row.kind,
        occurred_at=row.at,
        title=title,
        author=author,
        outcome=row.outcome or UNSET,
        refs=refs,
        position=row.since,
    )


async def _names(request: HttpRequest, rows: list[Stored]) -> dict[UUID, str]:
    tenant_id, ids = principal_of(request).tenant_id, sorted({row.author_id for row in rows if row.author_id})
    names = partial(user_queries.names, tenant_id=tenant_id, ids=ids)
    return await services_of(request).reads.ask(tenant_id, names) if ids else {}


def _check_seen(view: View, query: TimelineQuery) -> None:
    """Refuse to filter by what the caller must not see: words are looked for in all that was said at once."""
    used = {"type": query.type, "channel": query.channel, "outcome": query.outcome}
    asked = {name: name for name, value in used.items() if value is not None}
    if query.q is not None:
        asked["q"] = next(filter(view.hides, _SAID), _SAID[0])
    require_shown(view, asked)


ROUTER = Router(path="/v1", route_handlers=[contact_timeline, company_timeline])
