"""From what a message or a calendar says to an interaction: who in it is a contact of ours, who a user, and what not.

What can't be matched is kept all the same, and stands in the review queue.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct, structs
from rapidfuzz import fuzz

from commands import normalise
from commands.decision import Decision, Given
from commands.handle import Handler, UseCase
from commands.inbound.headers import Address
from commands.interactions import interaction
from commands.interactions.input import ChangeInteraction, LogInteraction, ParticipantInput
from commands.look import Look, Looked
from commands.normalise import Problems
from commands.ports import EventStore
from domain import contact as contacts
from domain import interaction as interactions
from domain.contact import Contact
from domain.interaction import Interaction, InteractionChanged, InteractionLogged

_ANSWERS = frozenset({"cancelled", "accepted", "declined", "tentative"})
"""Outcomes that are of one revision of a meeting."""
_ALIKE, _APART = 70, 10
"""From here on two names are one person's (0 to 100), where another's is not nearly as much so."""


class Found(Struct, frozen=True):
    """Whose addresses are: ids of contacts, of whom several may share one, and of users."""

    contacts: Mapping[str, Sequence[UUID]]
    users: Mapping[str, UUID]


class Directory(Protocol):
    """Who has an address."""

    async def find(self, tenant_id: UUID, addresses: Collection[str]) -> Found:
        """Who has these addresses (see `key`), as of the log's end.

        Raises:
            DomainError: read_after.timeout, it can't be told now.
        """
        ...

    async def series(
        self, tenant_id: UUID, threads: Collection[str], sees: Callable[[UUID | None], bool]
    ) -> Mapping[str, Sequence[str]]:
        """The external ids of the meetings that are in these threads, of those authors that the one who asks sees.

        Raises:
            DomainError: read_after.timeout, it can't be told now.
        """
        ...


class Inbound(Struct, frozen=True):
    """What is brought in with: whom addresses belong to, and how many bytes a message may have."""

    directory: Directory
    most_bytes: int


class Known(Struct, frozen=True):
    """Who has the addresses of a message, as far as the one who brings it may know."""

    contacts: Mapping[str, Sequence[Contact]]
    users: Mapping[str, UUID]
    threads: Sequence[str] = ()
    """Threads of what it answers, the nearest first."""

    def contact(self, who: Address) -> UUID | None:
        """The contact somebody is. Of several with one address it is the one who is called so, or nobody."""
        having = self.contacts.get(key(who.address), ())
        if len(having) > 1:
            having = _called(who.name, having)
        return having[0].id if having else None

    def user(self, who: Address | None) -> UUID | None:
        """The user somebody is."""
        return self.users.get(key(who.address)) if who else None

    def participant(self, who: Address, role: str) -> ParticipantInput:
        """Somebody as one who took part."""
        known = None if self.user(who) else self.contact(who)
        return ParticipantInput(contact_id=known, name=who.name, address=who.address, role=role)


class Told(Struct, frozen=True):
    """An interaction as something from outside tells it, and which revision of it that is."""

    members: LogInteraction
    revision: int | None = None


def key(address: str) -> str:
    """What makes spellings of an address the same."""
    return (normalise.email(address, "", Problems()) or address).lower()


def _called(name: str | None, having: Sequence[Contact]) -> Sequence[Contact]:
    """The one of several contacts who is called so, where that can only be one."""
    if not name:
        return ()
    score = {each.id: fuzz.ratio(name.casefold(), each.name.display.casefold()) for each in having if each.name.display}
    (first, best), (_, next_best) = (sorted(score.items(), key=lambda one: -one[1]) + [(None, 0.0)] * 2)[:2]
    return [each for each in having if each.id == first and best >= _ALIKE and best - next_best >= _APART]


async def known(
    directory: Directory,
    handler: Handler,
    tenant_id: UUID,
    people: Iterable[Address],
    sees: Callable[[Contact], bool] = lambda _: True,
) -> Known:
    """Who has the addresses of these people, of those contacts that the one who asks sees."""
    found = await directory.find(tenant_id, {key(each.address) for each in people})
    ids = {each for having in found.contacts.values() for each in having}
    states = await handler.states(tenant_id, "contact", contacts.evolve, ids) if ids else {}
    seen = {each: state for each, state in states.items() if state.deleted_at is None and sees(state)}
    having = {at: [seen[each] for each in of if each in seen] for at, of in found.contacts.items()}
    return Known(having, found.users)


async def threads(
    store: EventStore, handler: Handler, tenant_id: UUID, answers: Sequence[str], sees: Callable[[Interaction], bool]
) -> Sequence[str]:
    """The threads of the interactions that are known by these ids, in their order."""
    wanted = [(interaction.EXTERNAL_ID, each) for each in answers]
    held = await store.holders(tenant_id, wanted) if wanted else {}
    states = await handler.states(tenant_id, "interaction", interactions.evolve, set(held.values())) if held else {}
    there = [states.get(held[each]) for each in wanted if each in held]
    return [state.thread_id for state in there if state and state.thread_id and sees(state)]


def lookups(told: Told) -> list[tuple[str, str]]:
    """What `log` wants to know."""
    return interaction.lookups(told.members)


def looks_at(told: Told) -> Sequence[Looked]:
    """Whom `company_of` looks at."""
    return interaction.looks_at(told.members)


async def company_of(told: Told, state: Interaction | None, look: Look) -> UUID | None:
    """The company of the contact."""
    return await interaction.company_of(told.members, state, look)


def log(told: Told, given: Given[Interaction]) -> Decision:
    """An interaction more. Whoever has gone since it was asked who they are is nobody's contact any more."""
    decision = interaction.log(_still_there(told.members, given), given)
    return _with(decision, told.revision)


def change(told: Told, given: Given[Interaction]) -> Decision:
    """What a later revision says otherwise; nothing when it is none, or says nothing new."""
    before = given.state
    assert before is not None  # noqa: S101  a use case that does not create always has a state
    if told.revision is not None and told.revision < (before.revision or 0):
        return Decision()
    members = _still_there(told.members, given)
    patch = {name: value for name, value in structs.asdict(members).items() if value is not None}
    for name in ("external_id", "author_id", *(("contact_id", "company_id") if before.contact_id else ())):
        patch.pop(name, None)  # what somebody has said of it since, stays
    if before.outcome in _ANSWERS and told.revision is not None and told.revision > (before.revision or 0):
        patch.setdefault("outcome", None)  # what was said of the revision before is not said of this one
    return _with(interaction.change(ChangeInteraction(**patch), given), told.revision)


def _with(decision: Decision, revision: int | None) -> Decision:
    if revision is None:
        return decision
    events = tuple(
        structs.replace(event, revision=revision)
        if isinstance(event, InteractionLogged | InteractionChanged)
        else event
        for event in decision.events
    )
    return structs.replace(decision, events=events)


def _still_there(members: LogInteraction, given: Given[Interaction]) -> LogInteraction:
    def there(contact_id: UUID | None) -> UUID | None:
        return contact_id if contact_id and ("contact", str(contact_id)) in given.found else None

    people = [structs.replace(each, contact_id=there(each.contact_id)) for each in members.participants or ()]
    author_id = members.author_id if ("user", str(members.author_id)) in given.found else None
    return structs.replace(
        members, contact_id=there(members.contact_id), participants=people or None, author_id=author_id
    )


LOG: UseCase[Told, Interaction] = UseCase(
    kind="interaction",
    evolve=interactions.evolve,
    decide=log,
    creates=True,
    status=201,
    gather=company_of,
    looks_at=looks_at,
    lookups=lookups,
    claim_taken=interaction.claim_taken,
)
CHANGE: UseCase[Told, Interaction] = UseCase(
    kind="interaction", evolve=interactions.evolve, decide=change, lookups=lookups
)
