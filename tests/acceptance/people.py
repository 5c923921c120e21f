"""More users of a tenant, put into the log as if they had been there already, and signed in over HTTP."""

import asyncio
import email
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from uuid import UUID

import bcrypt
import httpx

from commands.identity.accounts import EMAIL_CLAIM, login_name
from commands.ports import Append, Claim, StreamEvents
from domain.event import SYSTEM, Metadata
from domain.tenant import PLATFORM
from domain.user import UserRegistered
from infra.event_store.store import PostgresEventStore
from infra.postgres import APPEND, SERVICE, TenantConnections, open_pool, role_dsn
from infra.secret import secret_in
from tests.acceptance.installation import PASSWORD, Installation, Tenant
from tests.acceptance.patient import patient

_HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


class Person:
    """A user of a tenant, signed in."""

    def __init__(self, url: str, user_id: UUID, email: str) -> None:
        self.id = str(user_id)
        self.email = email
        self.http = patient(url)
        self.tokens = login(self.http, email)
        self.token = self.tokens["access_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"


def login(http: httpx.Client, email: str, password: str = PASSWORD) -> dict[str, str]:
    """The tokens of a sign-in that must be let in."""
    answer = http.post("/v1/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def person(installation: Installation, tenant: Tenant, roles: Sequence[str] = ()) -> Person:
    """A new user of a tenant in these roles."""
    user_id, email = uuid.uuid4(), f"user-{uuid.uuid4().hex[:12]}@engines.example"
    event = UserRegistered(name="Ada Byron", email=email, password_hash=_HASH, roles=tuple(roles))
    append = Append(
        tenant_id=UUID(tenant.id),
        command_id=uuid.uuid4(),
        metadata=Metadata(actor=SYSTEM, correlation_id="tests"),
        streams=(StreamEvents(user_id, 0, (event,)),),
        occurred_at=datetime.now(UTC),
        claims=(Claim(PLATFORM, EMAIL_CLAIM, login_name(email), user_id),),
    )
    with ThreadPoolExecutor(1) as elsewhere:  # this thread may have a loop of its own
        elsewhere.submit(asyncio.run, _append(installation, append)).result()
    made = Person(str(installation.ready["url"]), user_id, email)
    installation.clients.append(made.http)
    return made


def mails_to(installation: Installation, address: str) -> list[Message]:
    """The mails that somebody was sent, the oldest first."""
    folder = Path(installation.ready["mail_folder"])
    mails = [email.message_from_bytes(file.read_bytes()) for file in sorted(folder.glob("*.eml"))]
    return [mail for mail in mails if mail["To"] == address]


async def _append(installation: Installation, append: Append) -> None:
    secret, dsn = secret_in(installation.data), str(installation.ready["postgres_admin"])
    reads, appends = [await open_pool(role_dsn(dsn, role, secret), name="tests", size=1) for role in (SERVICE, APPEND)]
    try:
        await PostgresEventStore(appends, TenantConnections(reads), secret).append(append)
    finally:
        await reads.close()
        await appends.close()
