"""The caller's second factor: enrolled, confirmed with a first code, given up with another."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Router, post
from msgspec import Struct

from api.http import examples
from api.http.address import address_of
from api.http.answer import Answer
from api.http.caller import traced
from api.http.exchange import HttpRequest, NoQuery, principal_of, query_of, services_of
from api.http.identity.auth import NO_STORE, TAG, body_of, tell
from api.http.operation import SIGNED_IN, operation
from commands.decision import Context
from commands.handle import Outcome, UseCase
from commands.identity import accounts as identity
from commands.identity import second_factor, throttle, totp
from commands.identity.second_factor import ConfirmTotp, DisableTotp, EnrolTotp, TotpCode
from commands.registry_identity import CONFIRM_TOTP, DISABLE_TOTP, ENROL_TOTP
from domain import user
from domain.user import User

_CODE_ERRORS = ("auth.totp_missing", "precondition.version", "auth.throttled")


class Enrolment(Struct, frozen=True):
    """A secret in base32, the same as a QR code holds it, and codes that are good once each. It is shown this once."""

    secret: str
    otpauth_url: str
    recovery_codes: list[str]


@post(
    "/auth/totp/enrol",
    status_code=200,
    **operation(
        summary="Get the secret of a second factor",
        description=(
            "Nothing is asked for at sign-in until it is confirmed with a code; enrolling again before that replaces"
            " the secret. Codes are those of RFC 6238: SHA-1, 30 seconds, 6 digits."
        ),
        tag=TAG,
        permission=SIGNED_IN,
        query=NoQuery,
        answers={200: Enrolment},
        errors=("auth.totp_enabled",),
        result=examples.ENROLMENT,
    ),
)
async def enrol(request: HttpRequest) -> Answer:
    """A secret and recovery codes."""
    query_of(request, NoQuery)
    user_id = principal_of(request).user_id
    secret = totp.spelt(secrets.token_bytes(totp.SECRET_BYTES))
    codes = [totp.recovery_code(secrets.token_bytes(totp.RECOVERY_BYTES)) for _ in range(totp.RECOVERY_CODES)]
    outcome = await _handled(request, ENROL_TOTP, EnrolTotp(secret, totp.digests(user_id, codes)))
    body = Enrolment(secret, totp.url(secret, outcome.state.email), codes)
    return Answer(body, status=200, headers={"Event-Position": str(outcome.position), **NO_STORE})


@post(
    "/auth/totp/confirm",
    status_code=200,  # for Litestar, which wants no body with 204; the answer sets its own
    **operation(
        summary="Switch the second factor on",
        description="With a code of the device that the secret was given to. From then on every sign-in takes one.",
        tag=TAG,
        permission=SIGNED_IN,
        body=TotpCode,
        query=NoQuery,
        answers={204: None},
        errors=(*_CODE_ERRORS, "auth.totp_enabled"),
        example=examples.TOTP_CODE,
    ),
)
async def confirm(request: HttpRequest) -> Answer:
    """On."""
    asked: TotpCode = await body_of(request, TotpCode)
    person = await _caller(request)
    second_factor.require_pending(person)
    await _require_right(request, person, lambda: _by_device(request, person, asked.code))
    outcome = await _handled(request, CONFIRM_TOTP, ConfirmTotp(), person)
    tell(request, person, "A second factor was switched on for your account.")
    return Answer(None, status=204, headers={"Event-Position": str(outcome.position)})


@post(
    "/auth/totp/disable",
    status_code=200,  # as above
    **operation(
        summary="Switch the second factor off",
        description="With a code of the device, or a recovery code. Only the password is asked for from then on.",
        tag=TAG,
        permission=SIGNED_IN,
        body=TotpCode,
        query=NoQuery,
        answers={204: None},
        errors=_CODE_ERRORS,
        example=examples.TOTP_CODE,
    ),
)
async def disable(request: HttpRequest) -> Answer:
    """Off. A recovery code need not be spent: all of them go."""
    asked: TotpCode = await body_of(request, TotpCode)
    person = await _caller(request)
    second_factor.require_enabled(person)

    async def either() -> bool:
        if await _by_device(request, person, asked.code):
            return True
        return services_of(request).codes.by_recovery(person, asked.code) is not None

    await _require_right(request, person, either)
    outcome = await _handled(request, DISABLE_TOTP, DisableTotp(), person)
    tell(request, person, "The second factor of your account was switched off.")
    return Answer(None, status=204, headers={"Event-Position": str(outcome.position)})


async def _caller(request: HttpRequest) -> User:
    principal = principal_of(request)
    return await services_of(request).handler.state(principal.tenant_id, "user", user.evolve, principal.user_id)


async def _by_device(request: HttpRequest, person: User, code: str) -> bool:
    return await services_of(request).codes.by_device(principal_of(request).tenant_id, person, code)


async def _require_right(request: HttpRequest, person: User, look: Callable[[], Awaitable[bool]]) -> None:
    """A wrong code counts like a wrong password. Raises DomainError validation.failed or auth.throttled."""
    counts = throttle.inside(identity.login_name(person.email), address_of(request) or "")
    if not await throttle.guess(services_of(request).attempts, counts, look):
        raise second_factor.wrong_code()


async def _handled(
    request: HttpRequest, case: UseCase[Any, User], command: Any, looked_at: User | None = None
) -> Outcome[User]:
    """Carry out a command on the caller; only of the version that a code was checked against, where one was."""
    principal = principal_of(request)
    context = Context(tenant_id=principal.tenant_id, metadata=traced(request, principal.actor))
    if_match = frozenset({looked_at.version}) if looked_at else None
    return await services_of(request).handler.handle(
        context, case, lambda: (command, ()), stream_id=principal.user_id, if_match=if_match
    )


ROUTER = Router(path="/v1", route_handlers=[enrol, confirm, disable])
