"""What comes from outside over HTTP: e-mails as they are, each an interaction."""

import asyncio
from collections.abc import Sequence

from litestar import Router, post
from msgspec import structs

from api.http.address import address_of
from api.http.answer import Answer
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
from api.http.inbound.calendar import bring_in_calendar
from api.http.inbound.people import who, writable
from api.http.interactions.writes import READING, WRITING, answer, first, within_reach
from api.http.operation import operation
from api.http.shapes import DryRun
from commands.inbound import email as inbound_email
from commands.inbound import mail as inbound_mail
from commands.inbound import people as inbound
from commands.inbound.email import Email
from commands.inbound.people import Known, Told
from commands.interactions import interaction
from domain.errors import DomainError, FieldError
from domain.interaction import Interaction
from projections.interactions.queries import InteractionView

MAIL = ("message/rfc822",)
_one_at_a_time = asyncio.Semaphore(1)


@post(
    "/inbound/email",
    **operation(
        summary="Bring in an e-mail",
        description=(
            "A message as it is (RFC 5322, MIME), in whatever state it is in. It went out when a user sent it, and came"
            " in otherwise; contacts are found by its addresses. Of an unknown sender it is kept for review, with a"
            " `suggested_contact`. The same Message-ID again answers 200 with what was logged first. Attachments are"
            " listed, not kept."
        ),
        tag="interactions",
        permission=WRITING,
        body=str,
        media=MAIL,
        query=WriteQuery,
        answers={201: InteractionView, 200: (InteractionView, DryRun)},
        errors=("interaction.external_id_taken", "validation.failed", "body.malformed", "read_after.timeout"),
        example=examples.EMAIL,
        result=examples.OF_EMAIL,
        results={200: examples.DRY_EMAIL},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def bring_in_email(request: HttpRequest) -> Answer:
    """An e-mail, which may be here already."""
    query: WriteQuery = query_of(request, WriteQuery)
    caller, services = principal_of(request), services_of(request)
    raw = await raw_body(request, most=services.inbound.most_bytes)
    check_media(request, MAIL)
    if not raw.strip():
        raise DomainError("body.malformed", "the body is empty", hint="Send the message as it came.")
    context = context_of(request, raw, dry_run=query.dry_run)
    context = structs.replace(context, metadata=structs.replace(context.metadata, address=address_of(request)))
    async with _one_at_a_time:  # one may take many times its length of memory
        email = await asyncio.to_thread(inbound_email.read, raw)

    async def read() -> tuple[Told, Sequence[FieldError]]:
        return writable(caller, inbound_mail.told(email, await _known(request, email))), ()

    try:
        async with alone(request, context):
            outcome = await services.handler.handle(context, within_reach(inbound.LOG, caller), read)
    except interaction.KnownError as known:
        return await first(request, known)
    return answer(caller, outcome, dry=query.dry_run)


async def _known(request: HttpRequest, email: Email) -> Known:
    """Who is in it, and what it answers, as far as the caller may know."""
    caller, services = principal_of(request), services_of(request)

    def sees(found: Interaction) -> bool:
        return caller.reaches(READING, found.author_id)

    known = await who(request, list(inbound_mail.people(email)))
    threads = await inbound.threads(services.store, services.handler, caller.tenant_id, email.answers, sees)
    return structs.replace(known, threads=threads)


ROUTER = Router(path="/v1", route_handlers=[bring_in_email, bring_in_calendar])
