"""The timeline of a lead over HTTP."""

from functools import partial

from litestar import get

from api.http.answer import Answer
from api.http.exchange import HttpRequest, path_id
from api.http.interactions.timelines import Ask, Asking, TimelineEntry, TimelineQuery, timeline_page
from api.http.leads import examples
from api.http.leads.reach import SEEING
from api.http.leads.reads import HIDING, lead_now, lead_then
from api.http.operation import operation
from api.http.shapes import Page
from projections.position import Level, Moment


@get(
    "/leads/{lead_id:str}/timeline",
    **operation(
        summary="What happened with a lead",
        description=(
            "Interactions about it, its moves and who it was given to, the newest first; `occurred_at` of a move is"
            f" when it was made, whenever it was told. Else as the timeline of a contact. {HIDING}"
        ),
        tag="leads",
        permission=SEEING,
        query=TimelineQuery,
        answers={200: Page[TimelineEntry]},
        errors=("lead.not_found", "lead.deleted", "cursor.invalid"),
        result={"data": [examples.TIMELINE_ENTRY], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def lead_timeline(request: HttpRequest) -> Answer:
    """A page of a lead's timeline."""
    lead_id = path_id(request, "lead_id", "lead")

    async def there(moment: Moment | None, level: Level | None) -> None:
        await (lead_then(request, lead_id, moment) if moment else lead_now(request, lead_id, level))

    def by_ids(page: Asking, _: Moment | None) -> Ask:
        return partial(page, records=[lead_id])

    return await timeline_page(request, lead_id, there, by_ids, "lead")
