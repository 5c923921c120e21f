"""What is done to a contact besides changing its fields, over HTTP: tags on and off, and bringing it back."""

from typing import Any

from litestar import post
from msgspec import structs

from api.http.answer import Answer
from api.http.contacts import examples_acts as examples
from api.http.contacts.writes import write_contact
from api.http.exchange import JSON, HttpRequest, WriteQuery, principal_of
from api.http.operation import operation
from api.http.shapes import DryRun
from commands.contacts.input import ChangeTags, RestoreContact
from commands.decision import Decision, Given
from commands.handle import UseCase
from commands.registry import CHANGE_TAGS, RESTORE_CONTACT
from commands.visible import CONTACTS, View, view_of
from domain.contact import Contact
from domain.errors import FieldError, InvalidError
from domain.field_rules import FieldAccess
from projections.contacts.queries import ContactView


@post(
    "/contacts/{contact_id:str}/tags",
    status_code=200,
    **operation(
        summary="Put tags on a contact, and take tags off it",
        description=(
            "The other tags stay, whoever changes them at the same time. What is there already is not added again, and"
            " what is not there need not be removed; case makes no difference."
        ),
        tag="contacts",
        permission="contacts.write",
        body=ChangeTags,
        query=WriteQuery,
        answers={200: (ContactView, DryRun)},
        errors=("contact.not_found", "contact.deleted", "contact.merged"),
        example=examples.TAGS,
        result=examples.TAGGED,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def change_tags(request: HttpRequest) -> Answer:
    """Only the tags that are named."""
    case = _within_sight(CHANGE_TAGS, view_of(principal_of(request), CONTACTS))
    return await write_contact(request, case, ChangeTags, JSON)


@post(
    "/contacts/{contact_id:str}/restore",
    status_code=200,
    **operation(
        summary="Bring a deleted contact back",
        description=(
            "As it was, with its relationships. What it alone may hold is claimed again, and refused where another"
            " record has it by now. A contact that is not deleted stays as it is."
        ),
        tag="contacts",
        permission="contacts.write",
        body=RestoreContact,
        query=WriteQuery,
        answers={200: (ContactView, DryRun)},
        errors=("contact.not_found", "contact.merged", "contact.external_ids_taken", "contact.custom_taken"),
        example={},
        result=examples.RESTORED,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def restore_contact(request: HttpRequest) -> Answer:
    """Back as it was."""
    return await write_contact(request, RESTORE_CONTACT, RestoreContact, JSON)


def _within_sight(case: UseCase[ChangeTags, Contact], view: View) -> UseCase[ChangeTags, Contact]:
    """The same use case for a caller who may not write tags: whatever the body says, it is not theirs to say."""
    if view.access("tags") is FieldAccess.WRITE:
        return case

    def decide(command: ChangeTags, _: Given[Any]) -> Decision:
        named = [name for name, value in structs.asdict(command).items() if value is not None]
        refused = [
            FieldError(f"/{name}", "field.not_writable", "is not for you to write; leave it out") for name in named
        ]
        if refused:
            raise InvalidError(refused)
        return Decision()

    return structs.replace(case, decide=decide)
