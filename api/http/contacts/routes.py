"""Contacts over HTTP: every route of theirs."""

from litestar import Router

from api.http.contacts.acts import change_tags, restore_contact
from api.http.contacts.export import export_contacts
from api.http.contacts.history import contact_history
from api.http.contacts.profile import read_profile
from api.http.contacts.reads import list_contacts, read_contact
from api.http.contacts.search import search_contacts
from api.http.contacts.select import select_contacts
from api.http.contacts.tags import list_tags
from api.http.contacts.writes import change_contact, delete_contact, register_contact

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
        list_tags,
        contact_history,
        read_profile,
    ],
)
