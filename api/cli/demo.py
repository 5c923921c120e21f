"""Demo data: three companies with contacts in many scripts and half a year behind them, and how they are loaded."""

import hashlib
import itertools
import shlex
from collections.abc import Callable
from random import Random
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import Struct

from api.cli import demo_history, demo_people
from commands.companies.company import NAME_CLAIM
from commands.contacts.input import RegisterContact
from commands.decision import Context, Decision, Given
from commands.handle import Handler
from commands.identity.accounts import EMAIL_CLAIM, NewTenant, login_name
from commands.identity.passwords import Passwords
from commands.ports import Append, ClaimTakenError, Clock, EventStore, NewId, Owner, StreamEvents, VersionConflictError
from commands.registry import REGISTER_CONTACT
from commands.registry_identity import REGISTER_TENANT
from domain.contact import Contact
from domain.event import SYSTEM, Actor, Metadata
from domain.tenant import PLATFORM

PASSWORD = "rapport demo 2026"  # noqa: S105  the documented password of every demo login
BATCH = 100
"""Contacts of one append."""

_CORRELATION_ID = "rapport-demo"


class DemoTenant(Struct, frozen=True, kw_only=True):
    """A company with its admin's login and its contacts."""

    name: str
    admin_name: str
    admin_email: str
    password: str = PASSWORD
    contacts: list[RegisterContact]
    currency: str = "EUR"


def tenants(seed: int = 1, contacts: int = 5000) -> list[DemoTenant]:
    """Three companies with so many contacts in all (6 : 3 : 1); the same arguments always give the same."""
    first, second = contacts * 6 // 10, contacts * 3 // 10
    plans = (
        ("Nordwind Handel GmbH", "Annika Sommer", "annika@nordwind.example", first, "EUR"),
        ("Brightwater Supplies Ltd", "Amara Okafor", "amara@brightwater.example", second, "GBP"),
        ("Atelier Soleil SARL", "Zoé Lefèvre", "zoe@atelier-soleil.example", contacts - first - second, "EUR"),
    )
    return [
        DemoTenant(
            name=name, admin_name=admin, admin_email=email, contacts=_made_up(seed, email, count), currency=currency
        )
        for name, admin, email, count, currency in plans
    ]


def _made_up(seed: int, email: str, count: int) -> list[RegisterContact]:
    return demo_people.contacts(Random(f"{seed}/{email}"), count)  # noqa: S311  names, not secrets


def curl_lines(url: str, demo: DemoTenant) -> list[str]:
    """Three lines for a shell, to be run in order: sign in, add a contact, find it misspelt."""
    base = f"{url.rstrip('/')}/v1"
    login = _json({"email": demo.admin_email, "password": demo.password})
    made = _json(
        {"name": "Wilhelmina Oosterhuis", "email": "mina@oosterhuis.example", "company": "Oosterhuis Orgelbouw BV"}
    )
    find = f"{base}/contacts/search?limit=1&q={quote('wilhelmna osterhuis')}"
    json_body = "-H 'Content-Type: application/json' -d"
    bearer = '-H "Authorization: Bearer $TOKEN"'
    pick_access = """sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'"""
    pick_position = """tr -d '\\r' | awk 'tolower($1) == "event-position:" {print $2}'"""
    add = f"curl -sS -o /dev/null -D - {_quoted(base, '/contacts')} {bearer} {json_body} {shlex.quote(made)}"
    return [
        f"TOKEN=$(curl -sS {_quoted(base, '/auth/login')} {json_body} {shlex.quote(login)} | {pick_access})",
        f"POSITION=$({add} | {pick_position})",
        f'curl -sS {shlex.quote(find)} {bearer} -H "Read-After: $POSITION" | python3 -m json.tool --no-ensure-ascii',
    ]


def _quoted(base: str, path: str) -> str:
    return shlex.quote(base + path)


async def load(
    demo: DemoTenant,
    store: EventStore,
    passwords: Passwords,
    clock: Clock,
    new_id: NewId,
    on_progress: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> UUID | None:
    """Load what is missing of a demo company; returns its tenant id, or None when there was nothing to do.

    Decisions are those of the API, but many contacts go into one append. `on_progress` is told how many more are
    there; `stopped` is asked before every append whether to leave the rest. May be killed at any point and run again:
    a contact's id follows from the tenant and its number, and batches are appended in order, so what is there is found
    by its ids and the rest is added. Somebody else's company that took the admin's e-mail first is left alone.

    Raises:
        DomainError: the e-mail, or a contact's external id, was taken by somebody else meanwhile.
        StoreUnavailableError: the store can't be reached.
    """
    owner = await store.holder(PLATFORM, EMAIL_CLAIM, login_name(demo.admin_email))
    if owner and not await _is_ours(store, owner):
        return None
    loader = _Loader(demo, store, clock, new_id, owner or Owner(tenant_id=new_id(), stream_id=new_id()))
    if owner is None:
        await loader.sign_up(await passwords.hash(demo.password))
    added = await loader.run(on_progress, stopped)
    return loader.tenant_id if added or owner is None else None


async def _is_ours(store: EventStore, owner: Owner) -> bool:
    """Whether a demo made the tenant: a sign-up over HTTP is always the act of its user."""
    first = await store.read(owner.tenant_id, after=0, limit=1)
    return bool(first) and first[0].metadata.actor == SYSTEM


async def _nothing_found(_tenant_id: UUID, _kind: str, _value: str) -> None:
    """A sign-up looks nothing up."""


class _Loader:
    """Makes one tenant, and appends its contacts in batches, from the first that is missing."""

    def __init__(self, demo: DemoTenant, store: EventStore, clock: Clock, new_id: NewId, owner: Owner) -> None:
        self.tenant_id = owner.tenant_id
        self._demo = demo
        self._contacts = demo.contacts
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._admin_id = owner.stream_id
        self._found: dict[tuple[str, str], UUID] = {}

    async def sign_up(self, password_hash: str) -> None:
        """The tenant with its admin, as POST /v1/auth/register makes it."""
        command = NewTenant(
            tenant_name=self._demo.name,
            name=self._demo.admin_name,
            email=self._demo.admin_email,
            password_hash=password_hash,
            user_id=self._admin_id,
        )
        context = Context(tenant_id=self.tenant_id, metadata=Metadata(actor=SYSTEM, correlation_id=_CORRELATION_ID))
        handler = Handler(self._store, self._clock, self._new_id, _nothing_found)
        await handler.handle(context, REGISTER_TENANT, lambda: (command, ()), stream_id=self.tenant_id)

    async def count(self) -> int:
        """How many are there: batches go in order and whole, so the first that is missing can be searched for."""
        low, high = 0, len(self._contacts)
        while low < high:
            middle = (low + high) // 2
            if await self._store.load(self.tenant_id, self._id(middle)):
                low = middle + 1
            else:
                high = middle
        return low

    async def run(self, on_progress: Callable[[int], None], stopped: Callable[[], bool]) -> int:
        """Add what is missing, until stopped; returns how many that were."""
        before = told = done = await self.count()
        on_progress(before)
        while done < len(self._contacts) and not stopped():
            batch = range(done, min(done + BATCH, len(self._contacts)))
            try:
                await self._append(batch)
                done = batch.stop
            except VersionConflictError:
                # Another loader was faster: go on from where it is.
                self._found.clear()
                done = await self.count()
            except ClaimTakenError as taken:
                # A company that somebody has just made is found the next time; an id can't be had twice.
                self._found.clear()
                if refusal := REGISTER_CONTACT.claim_taken(taken.claim):
                    raise refusal from taken
            on_progress(done - told)
            told = done
        passed = 0 if done < len(self._contacts) else await self._history(stopped)
        return done - before + passed

    async def _history(self, stopped: Callable[[], bool]) -> int:
        actor = Actor("user", self._admin_id)
        context = Context(tenant_id=self.tenant_id, metadata=Metadata(actor=actor, correlation_id=_CORRELATION_ID))
        return await demo_history.load(
            context, len(self._contacts), self._id, self._demo.currency, self._store, self._clock, self._new_id, stopped
        )

    async def _append(self, batch: range) -> None:
        decided = [(self._id(number), await self._decide(number)) for number in batch]
        streams = (
            (*decision.before, StreamEvents(contact_id, 0, decision.events), *decision.related)
            for contact_id, decision in decided
        )
        await self._store.append(
            Append(
                tenant_id=self.tenant_id,
                command_id=self._new_id(),
                metadata=Metadata(actor=Actor("user", self._admin_id), correlation_id=_CORRELATION_ID),
                streams=tuple(itertools.chain.from_iterable(streams)),
                occurred_at=self._clock(),
                claims=tuple(claim for _, decision in decided for claim in decision.claims),
            )
        )

    async def _decide(self, number: int) -> Decision:
        command = self._contacts[number]
        for kind, value in REGISTER_CONTACT.lookups(command):
            holder = None if (kind, value) in self._found else await self._store.holder(self.tenant_id, kind, value)
            if holder:
                self._found[kind, value] = holder.stream_id
        given = Given[Contact](
            tenant_id=self.tenant_id,
            stream_id=self._id(number),
            state=None,
            now=self._clock(),
            new_id=self._new_id,
            caller=self._admin_id,
            found=self._found,
        )
        decision = REGISTER_CONTACT.decide(command, given)
        # A company that this contact brings is there for the rest of the batch and after it.
        self._found |= {(c.kind, c.value): c.stream_id for c in decision.claims if c.kind == NAME_CLAIM}
        return decision

    def _id(self, number: int) -> UUID:
        """A UUID of version 7 with the tenant's time; the rest follows from the number."""
        digest = hashlib.sha256(self.tenant_id.bytes + number.to_bytes(4, "big")).digest()
        raw = bytearray(self.tenant_id.bytes[:6] + digest[:10])
        raw[6] = 0x70 | raw[6] & 0x0F
        raw[8] = 0x80 | raw[8] & 0x3F
        return UUID(bytes=bytes(raw))


def _json(value: dict[str, str]) -> str:
    return msgspec.json.encode(value).decode()
