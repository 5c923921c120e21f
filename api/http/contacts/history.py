"""A contact's history over HTTP."""

from litestar import get

from api.http import examples
from api.http.answer import Answer
from api.http.contacts.reach import require_sight
from api.http.exchange import HttpRequest, path_id
from api.http.histories import HistoryQuery, history_page
from api.http.operation import operation
from api.http.shapes import Page
from domain import contact
from projections import history


@get(
    "/contacts/{contact_id:str}/history",
    **operation(
        summary="Who changed what of a contact, and when",
        description=(
            "Newest first. A deleted contact keeps its history. Those who acted go by today's names. Changes of fields"
            " that the caller's roles hide are left out."
        ),
        tag="contacts",
        permission="contacts.read",
        query=HistoryQuery,
        answers={200: Page[history.Entry]},
        errors=("contact.not_found", "cursor.invalid"),
        result={"data": [examples.ENTRY], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def contact_history(request: HttpRequest) -> Answer:
    """A contact's history, from its events."""
    contact_id = path_id(request, "contact_id", "contact")
    return await history_page(request, "contact", contact.evolve, contact_id, require_sight)
