"""Contacts over HTTP: every route of theirs."""

from litestar import Router

from api.http.contact_acts import change_tags, restore_contact
from api.http.contact_export import export_contacts
from api.http.contact_history import contact_history
from api.http.contact_profile import read_profile
from api.http.contact_reads import list_contacts, read_contact
from api.http.contact_search import search_contacts
from api.http.contact_select import select_contacts
from api.http.contact_writes import change_contact, delete_contact, register_contact

ROUTER = Router(
    path="/v1",
    route_handlers=[
        register_contact,
        list_contacts,
        search_contacts,
        select_contacts,
        export_contacts,
        read_contact,
        change_contact,
        delete_contact,
        restore_contact,
        change_tags,
        contact_history,
        read_profile,
    ],
)
